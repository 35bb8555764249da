import { tensor } from '@plurad/torch'
import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, negativeCost, positiveCost, reduce, weightsLike } from './parts.js'

/**
 * Distribution-balanced loss (Wu et al.). Re-balanced: label k of an image weighs r^ = a + sigmoid(b (r - mu)), where
 * r = (1/n_k) / sum over the image's labels j of 1/n_j corrects for the labels that come along when an image is drawn
 * for its rarest. Negative-tolerant: nu_k = -(kappa/lambda) log(N/n_k - 1) is added to x; negatives see lambda x and their
 * cost is divided by lambda. Focal: (1 - p_t)^gamma. An image without findings divides by zero in the paper: its labels
 * weigh 1 here. Labels without positives count as having one.
 */
export const distributionBalanced = defineLoss({
  paper:
    'Wu et al., Distribution-Balanced Loss for Multi-Label Classification in Long-Tailed Datasets, ECCV 2020',
  formula: "r^_k (1 - p_t)^gamma [y softplus(-x') + (1 - y) softplus(lambda x') / lambda], x' = x + nu_k",
  targets: 'hard',
  options: z.strictObject({
    ...commonOptions,
    a: z.number().min(0).default(0.1),
    b: z.number().positive().default(10),
    mu: z.number().default(0.2),
    kappa: z.number().min(0).default(0.05),
    lambda: z.number().positive().default(2),
    gamma: z.number().min(0).default(2),
  }),
  make: ({ statistics }, { label_weights, a, b, mu, kappa, lambda, gamma }) => {
    const counts = statistics.positives.map((count) => Math.max(count, 1))
    const inverse = counts.map((count) => 1 / count)
    const shift = counts.map((count) => {
      const odds = Math.max(statistics.images / count - 1, 1e-6)
      return -(kappa / lambda) * Math.log(odds)
    })
    return (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const like = { dtype: logits.dtype, device: logits.device }
      const rarity = tensor(inverse, like)
      const positives = targets.gt(0.5).to({ dtype: logits.dtype }).mul(known)
      const together = positives.mul(rarity).sum(1, true)
      const rebalanced = rarity.div(together.clamp(1e-12)).sub(mu).mul(b).sigmoid().add(a)
      const weight = rebalanced.maskedFill(together.eq(0), 1)
      const x = logits.add(tensor(shift, like))
      const scaled = x.mul(lambda)
      const positive = negativeCost(x).mul(-gamma).exp().mul(positiveCost(x))
      const negative = positiveCost(scaled).mul(-gamma).exp().mul(negativeCost(scaled)).div(lambda)
      const costs = positive.mul(targets).add(negative.mul(targets.neg().add(1)))
      return reduce(costs.mul(weight), known, weightsLike(logits, label_weights))
    }
  },
})
