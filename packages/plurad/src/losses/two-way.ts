import type { Tensor } from '@plurad/torch'
import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { logSumExpOf, maskOf, meanOf, softplus, weightsLike } from './parts.js'

/**
 * Two-way multi-label loss (Kobayashi): softplus(T_n LSE over negatives of x/T_n + T_p LSE over positives of -x/T_p), once
 * within each image over the labels, once for each label over the batch; each averaged over the images, or labels, that
 * have a positive, and summed. Scores rank well and are not calibrated; an image without findings adds nothing to the first.
 */
export const twoWay = defineLoss({
  paper: 'Kobayashi, Two-Way Multi-Label Loss, CVPR 2023',
  formula: 'softplus(T_n LSE_neg(x/T_n) + T_p LSE_pos(-x/T_p)), per image and per label',
  targets: 'hard',
  options: z.strictObject({
    ...commonOptions,
    positive_temperature: z.number().positive().default(4),
    negative_temperature: z.number().positive().default(1),
  }),
  make:
    (_, { label_weights, positive_temperature: tp, negative_temperature: tn }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      return bothWays(targets, known, (positives, negatives, dim) => {
        const weights = weightsLike(logits, label_weights)
        const high = logSumExpOf(logits.div(tn), negatives, dim, weights).mul(tn)
        const low = logSumExpOf(logits.div(-tp), positives, dim, weights).mul(tp)
        return softplus(high.add(low))
      })
    },
})

/** A term over images plus one over labels, each averaged where there is a positive. */
export function bothWays(
  targets: Tensor,
  known: Tensor,
  term: (positives: Tensor, negatives: Tensor, dim: 0 | 1) => Tensor,
): Tensor {
  const positives = targets.gt(0.5).to({ dtype: targets.dtype }).mul(known)
  const negatives = known.sub(positives)
  const way = (dim: 0 | 1): Tensor => meanOf(term(positives, negatives, dim), positives.amax(dim))
  return way(1).add(way(0))
}
