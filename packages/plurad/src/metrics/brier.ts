import type { LabelColumn } from './column.js'

/**
 * Brier score: the mean squared distance of probability and truth, `mean((p - y)^2)`.
 *
 * Scores must be probabilities. In [0, 1], lower is better; null without images. Always saying the prevalence q
 * gives q(1 - q), so a rare finding has a low score whatever the model. Brier, Monthly Weather Review 78 (1950).
 */
export function brier({
  scores,
  truePositives,
  falsePositives,
  positives,
  negatives,
}: LabelColumn): number | null {
  if (positives + negatives === 0) return null
  let sum = 0
  let [positivesBefore, negativesBefore] = [0, 0]
  for (let g = 0; g < scores.length; g++) {
    const probability = scores[g]
    sum += (truePositives[g] - positivesBefore) * (1 - probability) * (1 - probability)
    sum += (falsePositives[g] - negativesBefore) * probability * probability
    positivesBefore = truePositives[g]
    negativesBefore = falsePositives[g]
  }
  return sum / (positives + negatives)
}
