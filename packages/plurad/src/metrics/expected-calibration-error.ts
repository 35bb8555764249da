import type { LabelColumn } from './column.js'
import { reliabilityBins } from './reliability.js'

/**
 * Expected calibration error: how far the mean probability is from the observed share of positives, bin by bin of
 * the probability, weighted by the images in each.
 *
 * `ECE = sum over bins of (n_b / N) |mean p_b - mean y_b|`, 15 bins of equal width.
 *
 * Scores must be probabilities. In [0, 1]; null without images. Guo et al., ICML (2017), for the probability of the
 * finding itself. Of a rare finding it is small for any model that says so.
 */
export function expectedCalibrationError(column: LabelColumn): number | null {
  const all = column.positives + column.negatives
  if (all === 0) return null
  let sum = 0
  for (const bin of reliabilityBins(column)) {
    if (bin.images > 0) sum += Math.abs(bin.probabilities - bin.positives)
  }
  return sum / all
}
