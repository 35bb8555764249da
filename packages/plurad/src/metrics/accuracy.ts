import type { Confusion } from './confusion.js'

/**
 * The share of images called right: `(TP + TN) / all`. Null without images.
 *
 * Of a rare finding it says next to nothing: calling every image negative is right in all but the few positive ones.
 */
export function accuracy({
  truePositives,
  falsePositives,
  falseNegatives,
  trueNegatives,
}: Confusion): number | null {
  const all = truePositives + falsePositives + falseNegatives + trueNegatives
  return all === 0 ? null : (truePositives + trueNegatives) / all
}
