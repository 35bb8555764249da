/** What losses share: which labels are known, sums over them, and logarithms that stay finite. */
import { aten, tensor, type Tensor } from '@plurad/torch'

/** Targets [N, C] with unknown labels as 0, and which are known (1 or 0), in the logits' type. */
export interface Masked {
  targets: Tensor
  known: Tensor
}

export function maskOf(logits: Tensor, targets: Tensor): Masked {
  const { dtype } = logits
  return {
    targets: aten.nan_to_num.default(targets, 0).to({ dtype }),
    known: targets.isNan().logicalNot().to({ dtype }),
  }
}

/** -log sigmoid(x) = log(1 + e^-x): the cost of a label that is present. */
export function positiveCost(logits: Tensor): Tensor {
  return logits.logSigmoid().neg()
}

/** -log(1 - sigmoid(x)) = log(1 + e^x): the cost of a label that is absent. */
export function negativeCost(logits: Tensor): Tensor {
  return logits.neg().logSigmoid().neg()
}

export type Reduction = 'mean' | 'sum-per-image'

/**
 * From costs [N, C] to a number. `mean`: over the known labels; `sum-per-image`: sum over the labels of an image, mean over
 * the images that have a known one. Unknown labels count nothing; with none known it is 0, with gradient 0.
 *
 * @param weights one a label; costs are multiplied by them
 */
export function reduce(
  costs: Tensor,
  known: Tensor,
  weights: Tensor | null,
  reduction: Reduction = 'mean',
): Tensor {
  const weighted = weights === null ? costs : costs.mul(weights)
  // Multiplying by 0 would keep a NaN that an unknown label's cost may be.
  const total = weighted.maskedFill(known.eq(0), 0).sum()
  const count = reduction === 'mean' ? known.sum() : known.amax(1).sum()
  return total.div(count.clamp(1))
}

/** Finite, and so far below any logit that its exponential is 0 beside it. */
const NOTHING = -1e30

/**
 * log sum of w e^x over the chosen entries along a dimension; about -1e30 where none is chosen.
 *
 * @param chosen 1 or 0, [N, C]
 */
export function logSumExpOf(x: Tensor, chosen: Tensor, dim: 0 | 1, weights: Tensor | null = null): Tensor {
  const weighted = weights === null ? x : x.add(weights.log())
  return weighted.maskedFill(chosen.eq(0), NOTHING).logsumexp(dim)
}

/** log(1 + e^x) for x of any size, gradient included. */
export function softplus(x: Tensor): Tensor {
  return aten.softplus.default(x, 1, 20)
}

/** Mean of the values whose `counts` is 1; 0 where there is none. */
export function meanOf(values: Tensor, counts: Tensor): Tensor {
  return values.maskedFill(counts.eq(0), 0).sum().div(counts.sum().clamp(1))
}

/** Label weights as a tensor beside the logits. */
export function weightsLike(logits: Tensor, weights: readonly number[] | null): Tensor | null {
  return weights === null ? null : tensor(weights, { dtype: logits.dtype, device: logits.device })
}
