import { tensor } from '@plurad/torch'
import { z } from 'zod'
import { bce } from './bce.js'
import { commonOptions, defineLoss } from './define.js'

/**
 * w_c = (1 - beta) / (1 - beta^n_c), n_c positives in the training split, scaled so that they sum to C: the inverse of the
 * effective number of samples (Cui et al.). A label without positives, which nobody can learn, weighs 1 and takes no part in the
 * scaling: it would have nearly all the weight.
 */
export function effectiveNumberWeights(positives: readonly number[], beta: number): number[] {
  const raw = positives.map((count) => (count === 0 ? 0 : (1 - beta) / (1 - beta ** count)))
  const sum = raw.reduce((a, b) => a + b, 0)
  const known = raw.filter((weight) => weight > 0).length
  return raw.map((weight) => (weight === 0 ? 1 : (weight * known) / sum))
}

export const classBalanced = defineLoss({
  paper: 'Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019',
  formula: 'w_c BCE, w_c = (1 - beta) / (1 - beta^n_c), sum w_c = C',
  options: z.strictObject({ ...commonOptions, beta: z.number().min(0).lt(1).default(0.9999) }),
  make: ({ statistics }, { label_weights, beta }) => {
    const balanced = effectiveNumberWeights(statistics.positives, beta)
    const weights = balanced.map((weight, c) => weight * (label_weights?.[c] ?? 1))
    return (logits, targets) =>
      bce(logits, targets, { weights: tensor(weights, { dtype: logits.dtype, device: logits.device }) })
  },
})
