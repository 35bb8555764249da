import type { LabelColumn } from './column.js'

/**
 * Average precision: the area under the precision-recall curve as a sum of steps, without the optimistic
 * straight lines between points.
 *
 * `AP = sum over thresholds of (recall_n - recall_(n-1)) * precision_n`
 *
 * In (0, 1]; equal scores count as one threshold, as in scikit-learn. An uninformative score gives the
 * label's prevalence. Null without a positive image.
 */
export function averagePrecision(column: LabelColumn): number | null {
  if (column.positives === 0) return null
  const { truePositives, falsePositives } = column
  let sum = 0
  let positivesBefore = 0
  for (let g = 0; g < truePositives.length; g++) {
    const found = truePositives[g]
    // A score that a bootstrap left without images adds nothing, and has no precision before the first image.
    if (found > positivesBefore) sum += (found - positivesBefore) * (found / (found + falsePositives[g]))
    positivesBefore = found
  }
  return sum / column.positives
}

/** Points of a precision-recall curve, thresholds rising, as scikit-learn gives them. */
export interface PrecisionRecallCurve {
  /** One a threshold, then 1. */
  precision: number[]
  /** One a threshold, falling, then 0. */
  recall: number[]
  /** Distinct scores, rising; one shorter than the others. */
  thresholds: number[]
}

/** The precision-recall curve over all distinct scores. Null without a positive image. */
export function precisionRecallCurve(column: LabelColumn): PrecisionRecallCurve | null {
  if (column.positives === 0) return null
  const curve: PrecisionRecallCurve = { precision: [1], recall: [0], thresholds: [] }
  for (const [g, threshold] of column.scores.entries()) {
    const truePositives = column.truePositives[g]
    curve.precision.push(truePositives / (truePositives + column.falsePositives[g]))
    curve.recall.push(truePositives / column.positives)
    curve.thresholds.push(threshold)
  }
  curve.precision.reverse()
  curve.recall.reverse()
  curve.thresholds.reverse()
  return curve
}
