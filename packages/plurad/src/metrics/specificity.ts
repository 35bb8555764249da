import type { Confusion } from './confusion.js'

/** Of the negative images, the share called negative: `TN / (TN + FP)`. Null without a negative image. */
export function specificity({ trueNegatives, falsePositives }: Confusion): number | null {
  const negatives = trueNegatives + falsePositives
  return negatives === 0 ? null : trueNegatives / negatives
}
