import type { Confusion } from './confusion.js'

/**
 * Cohen's kappa: agreement of calls and truth beyond what their frequencies alone would give.
 *
 * `kappa = (p_o - p_e) / (1 - p_e)`, p_o the share called right, p_e the same if calls and truth were independent.
 * In [-1, 1]; null when one class is missing. Cohen, Educational and Psychological Measurement 20 (1960).
 */
export function kappa(outcomes: Confusion): number | null {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = outcomes
  const positives = truePositives + falseNegatives
  const negatives = trueNegatives + falsePositives
  if (positives === 0 || negatives === 0) return null
  const all = positives + negatives
  const called = truePositives + falsePositives
  const byChance = (called * positives + (all - called) * negatives) / all
  return (truePositives + trueNegatives - byChance) / (all - byChance)
}
