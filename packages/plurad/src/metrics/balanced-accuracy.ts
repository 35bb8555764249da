import type { Confusion } from './confusion.js'
import { recall } from './recall.js'
import { specificity } from './specificity.js'

/** The mean of sensitivity and specificity, 0.5 by chance at any prevalence. Null when one class is missing. */
export function balancedAccuracy(outcomes: Confusion): number | null {
  const [sensitivity, negativesFound] = [recall(outcomes), specificity(outcomes)]
  return sensitivity === null || negativesFound === null ? null : (sensitivity + negativesFound) / 2
}
