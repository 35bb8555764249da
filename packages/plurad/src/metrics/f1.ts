import { hasBothClasses, type LabelColumn } from './column.js'
import type { Confusion } from './confusion.js'

/** Harmonic mean of precision and recall: `F1 = 2 TP / (2 TP + FP + FN)`. Null without a positive image. */
export function f1({ truePositives, falsePositives, falseNegatives }: Confusion): number | null {
  if (truePositives + falseNegatives === 0) return null
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
  for (const [g, threshold] of column.scores.entries()) {
    // F1 = 2 TP / (TP + FP + positives); fractions are compared across, in whole numbers, hence exactly.
    const truePositives = column.truePositives[g]
    const denominator = truePositives + column.falsePositives[g] + column.positives
    if (truePositives * bestDenominator <= bestTruePositives * denominator) continue
    best = threshold
    bestTruePositives = truePositives
    bestDenominator = denominator
  }
  return best
}
