import type { Confusion } from './confusion.js'

/**
 * Matthews correlation coefficient: the correlation of calls and truth.
 *
 * `MCC = (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN))`
 *
 * In [-1, 1]; 0 when all images are called alike, as in scikit-learn; null when one class is missing.
 * Matthews, Biochimica et Biophysica Acta 405 (1975).
 */
export function mcc(outcomes: Confusion): number | null {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = outcomes
  const positives = truePositives + falseNegatives
  const negatives = trueNegatives + falsePositives
  if (positives === 0 || negatives === 0) return null
  const called = truePositives + falsePositives
  const notCalled = trueNegatives + falseNegatives
  if (called === 0 || notCalled === 0) return 0
  // Two roots, so that the product of four counts does not lose digits.
  const scale = Math.sqrt(called * positives) * Math.sqrt(negatives * notCalled)
  return (truePositives * trueNegatives - falsePositives * falseNegatives) / scale
}
