import { hasBothClasses, type LabelColumn } from './column.js'

/**
 * Area under the ROC curve: the chance that a positive image scores above a negative one, ties counting
 * half (the Mann-Whitney statistic).
 *
 * `AUC = (sum over pairs of [s_pos > s_neg] + [s_pos = s_neg] / 2) / (positives * negatives)`
 *
 * Exact while positives * negatives stays below 2^52. In [0, 1]; null when one class is missing.
 * Hanley and McNeil, Radiology 143 (1982).
 */
export function auc(column: LabelColumn): number | null {
  if (!hasBothClasses(column)) return null
  const { truePositives, falsePositives, positives, negatives } = column
  // Twice the number of pairs in the right order, which stays a whole number with ties.
  let doubled = 0
  let positivesBefore = 0
  let negativesBefore = 0
  for (let g = 0; g < truePositives.length; g++) {
    doubled += (falsePositives[g] - negativesBefore) * (positivesBefore + truePositives[g])
    positivesBefore = truePositives[g]
    negativesBefore = falsePositives[g]
  }
  return doubled / (2 * positives * negatives)
}

/** Points of a ROC curve from (0, 0) to (1, 1). */
export interface RocCurve {
  /** False positive rate = 1 - specificity, rising. */
  fpr: number[]
  /** True positive rate = sensitivity, rising. */
  tpr: number[]
  /** The point's threshold: images with `score >= threshold` are called positive. Infinity at (0, 0). */
  thresholds: number[]
}

/**
 * The ROC curve, without points on the straight line between their neighbours, so that the area under
 * the polygon is exactly the AUC. Null when one class is missing.
 */
export function rocCurve(column: LabelColumn): RocCurve | null {
  if (!hasBothClasses(column)) return null
  const truePositives = [0]
  const falsePositives = [0]
  const thresholds = [Infinity]
  for (const [g, threshold] of column.scores.entries()) {
    const tp = column.truePositives[g]
    const fp = column.falsePositives[g]
    const last = thresholds.length - 1
    // Counts are whole numbers, so this test of a straight line is exact.
    const straight =
      last > 0 &&
      (truePositives[last] - truePositives[last - 1]) * (fp - falsePositives[last]) ===
        (tp - truePositives[last]) * (falsePositives[last] - falsePositives[last - 1])
    if (straight) {
      truePositives.pop()
      falsePositives.pop()
      thresholds.pop()
    }
    truePositives.push(tp)
    falsePositives.push(fp)
    thresholds.push(threshold)
  }
  return {
    fpr: falsePositives.map((count) => count / column.negatives),
    tpr: truePositives.map((count) => count / column.positives),
    thresholds,
  }
}
