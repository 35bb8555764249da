import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, negativeCost, positiveCost, reduce, weightsLike } from './parts.js'

/**
 * Hill loss with focal margin (Zhang et al.): negatives cost (lambda - p) p^2, a hill whose far side comes down again, so that
 * negatives that look very positive (labels that were missed) pull less; positives cost a focal loss of the logit minus 1.
 */
export const hill = defineLoss({
  paper:
    'Zhang et al., Simple and Robust Loss Design for Multi-Label Learning with Missing Labels, arXiv:2112.07368',
  formula: '-y (1 - p_s)^gamma log p_s + (1 - y) (lambda - p) p^2, p_s = sigmoid(x - margin)',
  options: z.strictObject({
    ...commonOptions,
    lambda: z.number().positive().default(1.5),
    gamma: z.number().min(0).default(2),
    margin: z.number().default(1),
  }),
  make:
    (_, { label_weights, lambda, gamma, margin }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const shifted = logits.sub(margin)
      const positive = negativeCost(shifted).mul(-gamma).exp().mul(positiveCost(shifted))
      const p = logits.sigmoid()
      const negative = p.neg().add(lambda).mul(p).mul(p)
      const costs = positive.mul(targets).add(negative.mul(targets.neg().add(1)))
      return reduce(costs, known, weightsLike(logits, label_weights), 'sum-per-image')
    },
})
