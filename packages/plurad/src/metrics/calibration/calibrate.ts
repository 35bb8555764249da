import { logit, sigmoid } from './logit.js'
import type { LabelCalibration } from './schema.js'

/** The calibrated probability of one score; the score itself without a calibration. */
export function calibrate(calibration: LabelCalibration | null, score: number): number {
  if (calibration === null) return score
  switch (calibration.method) {
    case 'temperature':
      return sigmoid(logit(score) / calibration.temperature)
    case 'platt':
      return sigmoid(calibration.slope * logit(score) + calibration.intercept)
    case 'isotonic':
      return between(calibration.scores, calibration.probabilities, score)
  }
}

/** Straight lines through points with rising `xs`, flat beyond them. */
function between(xs: readonly number[], ys: readonly number[], x: number): number {
  const last = xs.length - 1
  if (x <= xs[0]) return ys[0]
  if (x >= xs[last]) return ys[last]
  let [low, high] = [0, last]
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (xs[middle] <= x) low = middle
    else high = middle
  }
  return ys[low] + ((x - xs[low]) / (xs[high] - xs[low])) * (ys[high] - ys[low])
}
