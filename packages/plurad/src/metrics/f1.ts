import { hasBothClasses, walkThresholds, type LabelColumn } from './column.js'

/** Outcomes of calling an image positive when `score >= threshold`. */
export interface Confusion {
  truePositives: number
  falsePositives: number
  falseNegatives: number
  trueNegatives: number
}

/** Counts the four outcomes at a threshold. */
export function confusionAt(column: LabelColumn, threshold: number): Confusion {
  const { scores, truth } = column
  let truePositives = 0
  let falsePositives = 0
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] < threshold) continue
    if (truth[i] === 1) truePositives++
    else falsePositives++
  }
  return {
    truePositives,
    falsePositives,
    falseNegatives: column.positives - truePositives,
    trueNegatives: column.negatives - falsePositives,
  }
}

/**
 * Of the images called positive, the share that is: `TP / (TP + FP)`. 0 when none is called positive,
 * as in scikit-learn; null without a positive image.
 */
export function precisionAt(column: LabelColumn, threshold: number): number | null {
  if (column.positives === 0) return null
  const { truePositives, falsePositives } = confusionAt(column, threshold)
  return truePositives === 0 ? 0 : truePositives / (truePositives + falsePositives)
}

/** Of the positive images, the share called positive (sensitivity): `TP / (TP + FN)`. Null without a positive image. */
export function recallAt(column: LabelColumn, threshold: number): number | null {
  if (column.positives === 0) return null
  return confusionAt(column, threshold).truePositives / column.positives
}

/** Harmonic mean of precision and recall: `F1 = 2 TP / (2 TP + FP + FN)`. Null without a positive image. */
export function f1At(column: LabelColumn, threshold: number): number | null {
  if (column.positives === 0) return null
  const { truePositives, falsePositives, falseNegatives } = confusionAt(column, threshold)
  return (2 * truePositives) / (2 * truePositives + falsePositives + falseNegatives)
}

/**
 * The score that, as a threshold, gives the highest F1; the highest such score when several do, so that
 * fewer images are called positive. Null when one class is missing.
 *
 * Tuned on validation images it may be applied to test images; tuned on the images that it is judged on
 * it flatters. Lipton et al., ECML PKDD (2014): with an uninformative score it calls every image positive.
 */
export function bestF1Threshold(column: LabelColumn): number | null {
  if (!hasBothClasses(column)) return null
  let best: number | null = null
  let bestTruePositives = 0
  let bestDenominator = 1
  walkThresholds(column, (threshold, truePositives, falsePositives) => {
    // F1 = 2 TP / (TP + FP + positives); fractions are compared across, in whole numbers, hence exactly.
    const denominator = truePositives + falsePositives + column.positives
    if (truePositives * bestDenominator <= bestTruePositives * denominator) return
    best = threshold
    bestTruePositives = truePositives
    bestDenominator = denominator
  })
  return best
}
