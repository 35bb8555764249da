import { operatingPoints } from './calibration/operating-points.js'
import type { Predictions } from './predictions.js'

/**
 * A decision threshold for each label that maximises F1 on these predictions, which should be the
 * validation split's. Null for a label that has one class only there.
 *
 * @returns [C], in the order of `predictions.labels`.
 */
export function maxF1Thresholds(predictions: Predictions): (number | null)[] {
  return operatingPoints(predictions, { rule: 'max_f1' })
}
