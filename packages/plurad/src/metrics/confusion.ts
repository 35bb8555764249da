import type { LabelColumn } from './column.js'

/** Outcomes of calling an image positive when `score >= threshold`: counts, or sums of weights. */
export interface Confusion {
  truePositives: number
  falsePositives: number
  falseNegatives: number
  trueNegatives: number
}

/** A number from the four outcomes; null where it is not defined. */
export type ConfusionMetric = (outcomes: Confusion) => number | null

/** The four outcomes at a threshold. */
export function confusionAt(column: LabelColumn, threshold: number): Confusion {
  const last = countAtLeast(column.scores, threshold) - 1
  const truePositives = last < 0 ? 0 : column.truePositives[last]
  const falsePositives = last < 0 ? 0 : column.falsePositives[last]
  return {
    truePositives,
    falsePositives,
    falseNegatives: column.positives - truePositives,
    trueNegatives: column.negatives - falsePositives,
  }
}

/** The outcomes of several labels together. */
export function pooledConfusion(all: readonly Confusion[]): Confusion {
  const sum = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 }
  for (const outcomes of all) {
    sum.truePositives += outcomes.truePositives
    sum.falsePositives += outcomes.falsePositives
    sum.falseNegatives += outcomes.falseNegatives
    sum.trueNegatives += outcomes.trueNegatives
  }
  return sum
}

/** How many of the falling `scores` are at least `threshold`. */
function countAtLeast(scores: Float64Array, threshold: number): number {
  let low = 0
  let high = scores.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (scores[middle] >= threshold) low = middle + 1
    else high = middle
  }
  return low
}
