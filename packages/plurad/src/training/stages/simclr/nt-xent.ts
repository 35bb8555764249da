import { arange, type Tensor } from '@plurad/torch'
import { normalise } from '../../../models/layers.js'

/**
 * Normalised temperature-scaled cross-entropy: over the 2N views of N images,
 * mean_i [ log sum_{k != i} exp(s_ik / t) - s_ij / t ], s the cosines, j the other view of the same image.
 * Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020, arXiv:2002.05709, eq. 1.
 *
 * @param embeddings [2N, D], of any length: the first views of all images, then their second views in the same order
 * @param temperature t > 0
 * @returns a scalar tensor; 0 for a single image, which has nothing to be told from
 */
export function ntXent(embeddings: Tensor, temperature: number): Tensor {
  const views = embeddings.size(0)
  const { device } = embeddings
  if (views === 0 || views % 2 !== 0)
    throw new RangeError(`NT-Xent of ${views} embeddings: expected two views an image`)
  const unit = normalise(embeddings)
  const similarities = unit.matmul(unit.transpose(0, 1)).div(temperature)
  const order = arange(0, views, 1, { device })
  const itself = order.view(1, views).eq(order.view(views, 1))
  // No view is compared with itself; with -inf its exponential, and so its gradient, is exactly 0.
  const others = similarities.maskedFill(itself, -Infinity).logsumexp(1)
  const [first, second] = unit.chunk(2)
  const positives = first.mul(second).sum(1).div(temperature)
  return others.mean().sub(positives.mean())
}
