/** Which images show best what a model can and cannot do. */
import type { Predictions } from '../../metrics/predictions.js'
import { hasBothClasses, rankLabels, type RankedLabel } from '../../metrics/index.js'

export interface Case {
  /** Row of the image. */
  row: number
  /** The label that it was chosen for. */
  label: number
  /**
   * For an image with the finding, the share of images without it that score lower (ties count half), whose mean is
   * the AUC; for one without it, the share of images with the finding that score lower.
   */
  placement: number
}

export interface Cases {
  /** With the finding, ranked highest and above half of the images without it. */
  found: Case[]
  /** With the finding, ranked lowest. */
  missed: Case[]
  /** Without the finding, ranked highest. */
  falseAlarms: Case[]
}

/**
 * Best and worst cases by how images rank for a label. Every label has its turn, the first of `order` first, and
 * another one when all have had theirs, until there are `each` of a kind. No image is shown twice in a kind, none is both
 * found and missed, and no patient is shown twice as long as there are others.
 *
 * A loss would show the labels with extreme probabilities again and again; a rank is fair to rare labels, whose
 * probabilities are all small.
 *
 * @param order Labels by their place, such as the rarest first.
 */
export function chooseCases(predictions: Predictions, order: readonly number[], each: number): Cases {
  const ranked = rankLabels(predictions)
  const labels = order.filter((label) => hasBothClasses(ranked[label].column))
  const queues = (wanted: 0 | 1): Case[][] => labels.map((label) => casesOf(ranked[label], label, wanted))
  const take = (from: Case[][]): Case[] => takeTurns(from, predictions.patients, each)
  const found = take(queues(1).map((queue) => queue.filter(({ placement }) => placement > 0.5)))
  const shown = new Set(found.map(({ row }) => row))
  return {
    found,
    missed: take(queues(1).map((queue) => queue.reverse().filter(({ row }) => !shown.has(row)))),
    falseAlarms: take(queues(0)),
  }
}

/** Images with that truth, from the highest score to the lowest. */
function casesOf({ column, rows, truth, ends }: RankedLabel, label: number, wanted: 0 | 1): Case[] {
  const [of, all] =
    wanted === 1 ? [column.falsePositives, column.negatives] : [column.truePositives, column.positives]
  const cases: Case[] = []
  let [place, before] = [0, 0]
  for (let g = 0; g < ends.length; g++) {
    const placement = (all - (of[g] + before) / 2) / all
    for (; place < ends[g]; place++) {
      if (truth[place] === wanted) cases.push({ row: rows[place], label, placement })
    }
    before = of[g]
  }
  return cases
}

function takeTurns(
  queues: readonly (readonly Case[])[],
  patients: readonly (string | null)[],
  each: number,
): Case[] {
  const taken: Case[] = []
  const rows = new Set<number>()
  const seen = new Set<string>()
  // The second time round patients may come again: better than an empty place.
  for (const mayRepeat of [false, true]) {
    const next = queues.map(() => 0)
    let found = true
    while (found && taken.length < each) {
      found = false
      for (const [q, queue] of queues.entries()) {
        const isFree = ({ row }: Case): boolean => {
          const patient = patients[row]
          return !rows.has(row) && (mayRepeat || patient === null || !seen.has(patient))
        }
        while (next[q] < queue.length && !isFree(queue[next[q]])) next[q]++
        if (next[q] >= queue.length || taken.length >= each) continue
        const chosen = queue[next[q]]
        const patient = patients[chosen.row]
        taken.push(chosen)
        rows.add(chosen.row)
        if (patient !== null) seen.add(patient)
        found = true
      }
    }
  }
  return taken
}
