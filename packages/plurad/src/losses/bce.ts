/** Binary cross-entropy for every label, from logits, unknown labels masked out. */
import { aten, type Tensor } from '@plurad/torch'

/**
 * -[y log p + (1 - y) log(1 - p)], p = sigmoid(x), averaged over the known labels of the batch.
 *
 * Finite for any finite logits: max(x, 0) - x y + log(1 + exp(-|x|)). A batch without any known label gives 0, with
 * gradient 0.
 *
 * @param logits [N, C]
 * @param targets [N, C], in [0, 1]; NaN = unknown
 * @returns a scalar tensor
 */
export function bce(logits: Tensor, targets: Tensor): Tensor {
  const known = targets.isNan().logicalNot().to({ dtype: logits.dtype })
  const safe = aten.nan_to_num.default(targets, 0)
  const perLabel = aten.binary_cross_entropy_with_logits.default(logits, safe, known, null, 0)
  return perLabel.sum().div(known.sum().clamp(1, null))
}
