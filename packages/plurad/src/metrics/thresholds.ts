import type { Predictions } from './predictions.js'
import { labelColumns } from './column.js'
import { bestF1Threshold } from './f1.js'

/**
 * A decision threshold for each label that maximises F1 on these predictions, which should be the
 * validation split's. Null for a label that has one class only there.
 *
 * @returns [C], in the order of `predictions.labels`.
 */
export function maxF1Thresholds(predictions: Predictions): (number | null)[] {
  return labelColumns(predictions).map(bestF1Threshold)
}
