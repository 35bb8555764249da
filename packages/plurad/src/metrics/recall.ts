import type { Confusion } from './confusion.js'

/** Of the positive images, the share called positive (sensitivity): `TP / (TP + FN)`. Null without a positive image. */
export function recall({ truePositives, falseNegatives }: Confusion): number | null {
  const positives = truePositives + falseNegatives
  return positives === 0 ? null : truePositives / positives
}
