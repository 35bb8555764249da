import { noGrad, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, negativeCost, positiveCost, reduce, weightsLike } from './parts.js'

/**
 * Asymmetric loss (Ridnik et al.): -[y (1 - p)^g+ log p + (1 - y) p_m^g- log(1 - p_m)], p_m = max(p - m, 0): easy
 * negatives fade, very easy ones (p < m) vanish. Summed over an image's labels, averaged over images. The weights of the
 * negatives are p_m^g-. Published code differs in whether the weights take part in the gradient: here they do not by default.
 */
export const asl = defineLoss({
  paper: 'Ridnik et al., Asymmetric Loss For Multi-Label Classification, ICCV 2021',
  formula: '-[y (1 - p)^g+ log p + (1 - y) p_m^g- log(1 - p_m)], p_m = max(p - m, 0)',
  options: z.strictObject({
    ...commonOptions,
    gamma_negative: z.number().min(0).default(4),
    gamma_positive: z.number().min(0).default(1),
    margin: z.number().min(0).lt(1).default(0.05),
    detach_focusing_weight: z.boolean().default(true),
  }),
  make:
    (_, { label_weights, gamma_negative, gamma_positive, margin, detach_focusing_weight: detached }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const positive = powerOf(negativeCost(logits).neg().exp(), gamma_positive, detached).mul(
        positiveCost(logits),
      )
      const { shifted, cost } = shiftedNegative(logits, margin)
      const negative = powerOf(shifted, gamma_negative, detached).mul(cost)
      const costs = positive.mul(targets).add(negative.mul(targets.neg().add(1)))
      return reduce(costs, known, weightsLike(logits, label_weights), 'sum-per-image')
    },
})

/** base^gamma, left out of the gradient if asked; base in [0, 1]. */
export function powerOf(base: Tensor, gamma: number, detached: boolean): Tensor {
  // 0^gamma has an infinite slope for gamma < 1.
  const power = (): Tensor => (gamma === 0 ? base.mul(0).add(1) : base.clamp(1e-12).pow(gamma))
  return detached ? noGrad(power) : power()
}

/** p_m = max(p - margin, 0) and -log(1 - p_m); without a margin the latter from the logits, since 1 - p may be 0. */
export function shiftedNegative(logits: Tensor, margin: number): { shifted: Tensor; cost: Tensor } {
  const p = logits.sigmoid()
  if (margin === 0) return { shifted: p, cost: negativeCost(logits) }
  const shifted = p.sub(margin).clamp(0)
  return { shifted, cost: shifted.neg().add(1).log().neg() }
}
