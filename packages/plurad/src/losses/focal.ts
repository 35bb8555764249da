import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, negativeCost, positiveCost, reduce, weightsLike } from './parts.js'

/**
 * alpha_t (1 - p_t)^gamma BCE: what is easy counts little (Lin et al.). p_t = p and alpha_t = alpha for a present label,
 * 1 - p and 1 - alpha for an absent one. Powers are taken of exp(log sigmoid), whose slope stays finite at 0.
 */
export const focal = defineLoss({
  paper: 'Lin et al., Focal Loss for Dense Object Detection, ICCV 2017',
  formula: 'alpha_t (1 - p_t)^gamma BCE',
  options: z.strictObject({
    ...commonOptions,
    gamma: z.number().min(0).default(2),
    /** Null for no weighting of positives against negatives. */
    alpha: z.number().min(0).max(1).nullable().default(0.25),
  }),
  make:
    (_, { label_weights, gamma, alpha }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const [positive, negative] = [positiveCost(logits), negativeCost(logits)]
      // (1 - p)^gamma = exp(-gamma * negativeCost), p^gamma = exp(-gamma * positiveCost).
      const onPositives = negative.mul(-gamma).exp().mul(positive)
      const onNegatives = positive.mul(-gamma).exp().mul(negative)
      const costs = onPositives
        .mul(targets)
        .mul(alpha ?? 1)
        .add(onNegatives.mul(targets.neg().add(1)).mul(alpha === null ? 1 : 1 - alpha))
      return reduce(costs, known, weightsLike(logits, label_weights))
    },
})
