import type { Confusion } from './confusion.js'

/**
 * Of the images called positive, the share that is: `TP / (TP + FP)`. 0 when none is called positive, as in
 * scikit-learn; null without a positive image.
 */
export function precision({ truePositives, falsePositives, falseNegatives }: Confusion): number | null {
  if (truePositives + falseNegatives === 0) return null
  return truePositives === 0 ? 0 : truePositives / (truePositives + falsePositives)
}
