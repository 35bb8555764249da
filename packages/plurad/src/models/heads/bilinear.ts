/**
 * Fine-grained bilinear head (Ge et al., Chest X-rays Classification: A Multi-Label and Fine-Grained Problem,
 * arXiv:1807.07247; Lin et al., Bilinear CNNs, ICCV 2015): outer product of two streams' feature maps averaged over
 * positions, signed square root, L2 normalisation, linear. The paper's text is not at hand in full: that its streams are
 * trained with BCE and MSML follows its abstract; `reduce` (a 1x1 convolution before the product, which else has a million
 * entries) is ours.
 */
import { nn, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import type { Backbone } from '../backbone.js'
import { defineHead } from '../define.js'
import { type ClassifierRows, Head, type HeadContext, type HeadInput, type HeadOutput } from '../head.js'
import { averagePool, pointwise } from '../layers.js'

interface Options {
  streams: 1 | 2
  reduce: number | null
}

class BilinearHead extends Head {
  readonly second: Backbone | null
  readonly reduce_a: nn.Module | null
  readonly reduce_b: nn.Module | null
  readonly stream_a: nn.Linear
  readonly stream_b: nn.Linear | null
  readonly classifier: nn.Linear

  constructor({ backbone, labels, makeBackbone }: HeadContext, { streams, reduce }: Options) {
    super()
    const channels = backbone.featureChannels
    const width = reduce ?? channels
    this.second = streams === 2 ? makeBackbone() : null
    this.reduce_a = reduce === null ? null : pointwise(backbone.dims, channels, reduce)
    this.reduce_b = reduce === null ? null : pointwise(backbone.dims, channels, reduce)
    this.stream_a = new nn.Linear(channels, labels.length)
    this.stream_b = streams === 2 ? new nn.Linear(channels, labels.length) : null
    this.classifier = new nn.Linear(width * width, labels.length)
  }

  forward({ map, pixels }: HeadInput): HeadOutput {
    const other = this.second?.forward(pixels).map ?? map
    const product = bilinearPool(this.reduce_a?.forward(map) ?? map, this.reduce_b?.forward(other) ?? other)
    const logits = this.classifier.forward(product)
    if (!this.training) return { logits }
    const branches = [
      { name: 'first stream', logits: this.stream_a.forward(averagePool(map)), weight: 1, loss: 'bce' },
      ...(this.stream_b === null
        ? []
        : [
            {
              name: 'second stream',
              logits: this.stream_b.forward(averagePool(other)),
              weight: 1,
              loss: 'msml',
            },
          ]),
    ]
    return { logits, branches }
  }

  override classifierRows(): ClassifierRows {
    return this.classifier
  }
}

/**
 * Mean over positions of the outer products, signed square root, L2 normalisation: [N, A, H, W] and [N, B, H, W] ->
 * [N, A B].
 */
export function bilinearPool(a: Tensor, b: Tensor): Tensor {
  const left = a.flatten(2)
  const right = b.flatten(2)
  const product = left.matmul(right.transpose(1, 2)).div(left.size(2)).flatten(1)
  // The root's slope at 0 is infinite: the small number keeps the gradient finite.
  const root = product.sign().mul(product.abs().add(1e-10).sqrt())
  return root.div(root.mul(root).sum(1, true).add(1e-12).sqrt())
}

export const bilinear = defineHead({
  paper: 'Ge et al., Chest X-rays Classification: A Multi-Label and Fine-Grained Problem, arXiv:1807.07247',
  options: z.strictObject({
    /** 2: a second backbone of the same kind; 1: the product of the map with itself. */
    streams: z.union([z.literal(1), z.literal(2)]).default(2),
    /** Channels of each stream before the product; null for all. */
    reduce: z.int().min(1).nullable().default(128),
  }),
  make: (context, options) => new BilinearHead(context, options),
})
