import { aten, tensor, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, reduce, weightsLike } from './parts.js'

/**
 * Binary cross-entropy: -[y log p + (1 - y) log(1 - p)], p = sigmoid(x), averaged over the known labels of the batch.
 *
 * Finite for any finite logits: max(x, 0) - x y + log(1 + exp(-|x|)). A batch without any known label gives 0, with
 * gradient 0.
 *
 * @param logits [N, C]
 * @param targets [N, C], in [0, 1]; NaN = unknown
 * @param positiveWeights factor on the first term, one a label
 * @returns a scalar tensor
 */
export function bce(
  logits: Tensor,
  targets: Tensor,
  {
    weights = null,
    positiveWeights = null,
  }: { weights?: Tensor | null; positiveWeights?: Tensor | null } = {},
): Tensor {
  const { targets: y, known } = maskOf(logits, targets)
  const costs = aten.binary_cross_entropy_with_logits.default(logits, y, null, positiveWeights, 0)
  return reduce(costs, known, weights)
}

/** y -> y (1 - eps) + eps / 2 */
function smoothed(targets: Tensor, eps: number): Tensor {
  return eps === 0 ? targets : targets.mul(1 - eps).add(eps / 2)
}

export const bceLoss = defineLoss({
  paper: 'binary cross-entropy',
  formula: '-[w+ y log p + (1 - y) log(1 - p)]',
  options: z.strictObject({
    ...commonOptions,
    /** Factor on the cost of positives, for all labels or one a label. */
    pos_weight: z
      .union([z.number().positive(), z.array(z.number().positive()).nonempty()])
      .nullable()
      .default(null),
    label_smoothing: z.number().min(0).lt(1).default(0),
  }),
  make:
    ({ labels }, { label_weights, pos_weight, label_smoothing }) =>
    (logits, targets) => {
      const perLabel = typeof pos_weight === 'number' ? labels.map(() => pos_weight) : pos_weight
      return bce(logits, smoothed(targets, label_smoothing), {
        weights: weightsLike(logits, label_weights),
        positiveWeights:
          perLabel === null ? null : tensor(perLabel, { dtype: logits.dtype, device: logits.device }),
      })
    },
})
