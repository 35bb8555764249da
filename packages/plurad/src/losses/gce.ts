import { aten, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, negativeCost, positiveCost, reduce, weightsLike } from './parts.js'

/**
 * Generalised cross-entropy for many labels (Zhang and Sabuncu; LDRNet's E-step):
 * [y (1 - p^q) + (1 - y) (1 - (1 - p)^q)] / q. q -> 0 is BCE, q = 1 is MAE (LDRNet's text has it the other way round):
 * in between it learns less from labels that look wrong.
 */
export const gce = defineLoss({
  paper: 'Zhang and Sabuncu, Generalized Cross Entropy Loss, NeurIPS 2018; LDRNet',
  formula: '[y (1 - p^q) + (1 - y) (1 - (1 - p)^q)] / q',
  options: z.strictObject({ ...commonOptions, q: z.number().gt(0).max(1).default(0.8) }),
  make:
    (_, { label_weights, q }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      // 1 - p^q = -expm1(q log p): exact for small q too.
      const rest = (cost: Tensor): Tensor => expm1(cost.mul(-q)).neg().div(q)
      const costs = rest(positiveCost(logits))
        .mul(targets)
        .add(rest(negativeCost(logits)).mul(targets.neg().add(1)))
      return reduce(costs, known, weightsLike(logits, label_weights))
    },
})

function expm1(x: Tensor): Tensor {
  return aten.expm1.default(x)
}
