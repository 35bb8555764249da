import type { LabelColumn } from './column.js'
import { argsortDescending } from './sort.js'

/**
 * Where the scores of all labels come when they are put into one column, as if every image and label were a case of
 * its own: what averages called `micro` and flattened scores rank.
 */
export interface PooledRanking {
  /** [G] distinct scores of all labels, from high to low. */
  scores: Float64Array
  /** For each label, where each of its distinct scores is in `scores`. */
  places: Uint32Array[]
}

export function pooledRanking(columns: readonly LabelColumn[]): PooledRanking {
  const size = columns.reduce((sum, { scores }) => sum + scores.length, 0)
  const all = new Float64Array(size)
  const placeOf = new Uint32Array(size)
  let start = 0
  const starts = columns.map(({ scores }) => {
    all.set(scores, start)
    start += scores.length
    return start - scores.length
  })
  const distinct = new Float64Array(size)
  let groups = 0
  for (const index of argsortDescending(all)) {
    if (groups === 0 || all[index] !== distinct[groups - 1]) distinct[groups++] = all[index]
    placeOf[index] = groups - 1
  }
  return {
    scores: distinct.slice(0, groups),
    places: columns.map(({ scores }, c) => placeOf.subarray(starts[c], starts[c] + scores.length)),
  }
}

/** The column of all labels together, with the counts that the labels' columns have now. */
export function pooledColumn(ranking: PooledRanking, columns: readonly LabelColumn[]): LabelColumn {
  const truePositives = new Float64Array(ranking.scores.length)
  const falsePositives = new Float64Array(ranking.scores.length)
  for (const [c, places] of ranking.places.entries()) {
    const column = columns[c]
    let [positives, negatives] = [0, 0]
    for (let g = 0; g < places.length; g++) {
      truePositives[places[g]] += column.truePositives[g] - positives
      falsePositives[places[g]] += column.falsePositives[g] - negatives
      positives = column.truePositives[g]
      negatives = column.falsePositives[g]
    }
  }
  for (let g = 1; g < truePositives.length; g++) {
    truePositives[g] += truePositives[g - 1]
    falsePositives[g] += falsePositives[g - 1]
  }
  return {
    label: '',
    scores: ranking.scores,
    truePositives,
    falsePositives,
    positives: truePositives.at(-1) ?? 0,
    negatives: falsePositives.at(-1) ?? 0,
    unknown: columns.reduce((sum, { unknown }) => sum + unknown, 0),
    threshold: null,
  }
}
