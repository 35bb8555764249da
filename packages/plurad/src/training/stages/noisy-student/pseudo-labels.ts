/** What a teacher's probabilities make of labels that are unknown. */
import { z } from 'zod'
import { labelStatistics } from '../../../models/statistics.js'
import { hardLabels, type TrainingSample } from '../../job.js'

export const pseudoLabelOptions = {
  /** Probabilities up to `low` count as absent, those from `high` on as present; between them a label stays unknown. */
  confidence: z
    .strictObject({
      low: z.number().min(0).max(1).default(0.5),
      high: z.number().min(0).max(1).default(0.5),
    })
    .refine(({ low, high }) => low <= high, 'expected low to be at most high')
    .prefault({}),
  /** soft: the probability itself is the target; hard: 0 or 1. */
  targets: z.enum(['soft', 'hard']).default('soft'),
  /**
   * prevalence: of each label, no more pseudo-positives than its share among the known labels would give, the surest first;
   * the others stay unknown. none: all.
   */
  balance: z.enum(['none', 'prevalence']).default('none'),
}

export type PseudoLabelSettings = z.infer<z.ZodObject<typeof pseudoLabelOptions>>

export interface PseudoLabels {
  /** The samples, with labels filled in. */
  samples: TrainingSample[]
  /** Labels that were unknown, and how many of them are filled in, as present and as absent. */
  unknown: number
  present: number
  absent: number
}

/**
 * Fills unknown labels from a teacher's probabilities (Xie et al., arXiv:1911.04252, section 2); known ones stay as they are.
 *
 * @param scores of each sample, [labels]; null for one that could not be read, whose labels stay unknown
 */
export function fillUnknown(
  samples: readonly TrainingSample[],
  scores: readonly (ArrayLike<number> | null)[],
  { confidence: { low, high }, targets, balance }: PseudoLabelSettings,
): PseudoLabels {
  const count = samples[0]?.labels.length ?? 0
  const { known, positives } = labelStatistics(samples.map(hardLabels), count)
  const labels = samples.map((sample) => [...sample.labels])
  const filled = { unknown: 0, present: 0, absent: 0 }
  for (let label = 0; label < count; label++) {
    const open = [...samples.keys()].filter((row) => samples[row].labels[label] === null)
    const score = (row: number): number => scores[row]?.[label] ?? NaN
    const sure = open.filter((row) => score(row) >= high).sort((a, b) => score(b) - score(a))
    const most =
      balance === 'none' ? Infinity : Math.ceil((open.length * positives[label]) / Math.max(known[label], 1))
    const present = sure.slice(0, most)
    // A probability that is both, where low and high are one, is that of a label that is present.
    const absent = open.filter((row) => score(row) <= low && score(row) < high)
    for (const row of present) labels[row][label] = targets === 'soft' ? score(row) : 1
    for (const row of absent) labels[row][label] = targets === 'soft' ? score(row) : 0
    filled.unknown += open.length
    filled.present += present.length
    filled.absent += absent.length
  }
  return { samples: samples.map((sample, row) => ({ ...sample, labels: labels[row] })), ...filled }
}
