import { z } from 'zod'
import { powerOf, shiftedNegative } from './asl.js'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, negativeCost, positiveCost, reduce, weightsLike } from './parts.js'

/**
 * Robust asymmetric loss (Park et al.): ASL with the first two Taylor terms of the positives' logarithm weighed anew and
 * the negatives times Hill's (lambda - p). The variant of the paper's equations: e1 on the positives' first term, e2 on the
 * second, none on the negatives; focusing weights are part of the gradient.
 */
export const ral = defineLoss({
  paper: 'Park et al., Robust Asymmetric Loss for Multi-Label Long-Tailed Learning, ICCV Workshops 2023',
  formula:
    '-[y (1 - p)^g+ (log p + e1 (1 - p) + e2 (1 - p)^2 / 2) + (1 - y) (lambda - p) p_m^g- log(1 - p_m)]',
  options: z.strictObject({
    ...commonOptions,
    e1: z.number().default(1),
    e2: z.number().default(-2.5),
    lambda: z.number().positive().default(1.5),
    gamma_negative: z.number().min(0).default(4),
    gamma_positive: z.number().min(0).default(0),
    margin: z.number().min(0).lt(1).default(0.05),
  }),
  make:
    (_, { label_weights, e1, e2, lambda, gamma_negative, gamma_positive, margin }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const rest = negativeCost(logits).neg().exp()
      const series = positiveCost(logits)
        .sub(rest.mul(e1))
        .sub(rest.mul(rest).mul(e2 / 2))
      const positive = powerOf(rest, gamma_positive, false).mul(series)
      const { shifted, cost } = shiftedNegative(logits, margin)
      const hill = logits.sigmoid().neg().add(lambda)
      const negative = hill.mul(powerOf(shifted, gamma_negative, false)).mul(cost)
      const costs = positive.mul(targets).add(negative.mul(targets.neg().add(1)))
      return reduce(costs, known, weightsLike(logits, label_weights), 'sum-per-image')
    },
})
