import { hasBothClasses, type LabelColumn } from './column.js'

/**
 * The lowest false positive rate at which at least the share `tpr` of the positives is found: what a demanded
 * sensitivity costs in false alarms. A point of the ROC curve, without interpolation between thresholds.
 *
 * @param tpr Demanded true positive rate (sensitivity), in (0, 1].
 * @returns in [0, 1]; null when one class is missing.
 */
export function fprAtTpr(column: LabelColumn, tpr: number): number | null {
  if (!hasBothClasses(column)) return null
  const { truePositives, falsePositives, positives, negatives } = column
  // Counts rise, so the first threshold that finds enough is the highest one that does.
  const at = truePositives.findIndex((found) => found / positives >= tpr)
  return falsePositives[at] / negatives
}
