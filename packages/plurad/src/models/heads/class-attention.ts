/**
 * Class activation attention with a global and a local branch. Global: a 1x1 convolution gives a score map a label (its
 * class activation map); softmax over positions makes it attention, the weighted features of each label go to a classifier
 * of its own, beside the pooled features' linear one. Local: `reweight` looks again at the same map, weighted by where any
 * label was found; `crop` cuts that region out of the image and sends it through a second backbone, as AG-CNN does (Guan et
 * al., Diagnose like a Radiologist, arXiv:1801.09927). Fusion: linear on both branches' pooled features. Every branch
 * is supervised.
 */
import { aten, cat, fromTypedArray, nn, stack, zeros, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import type { Backbone } from '../backbone.js'
import { defineHead } from '../define.js'
import { Head, type HeadContext, type HeadInput, type HeadOutput } from '../head.js'
import { averagePool, GroupLinear, pointwise } from '../layers.js'

interface Options {
  local: 'reweight' | 'crop'
  threshold: number
}

class ClassAttention extends Head {
  readonly activation: nn.Conv2d | nn.Conv3d
  readonly global: GroupLinear
  readonly local: nn.Linear
  readonly fusion: nn.Linear
  readonly local_backbone: Backbone | null
  readonly #threshold: number

  constructor({ backbone, labels, makeBackbone }: HeadContext, { local, threshold }: Options) {
    super()
    const channels = backbone.featureChannels
    this.activation = pointwise(backbone.dims, channels, labels.length)
    this.global = new GroupLinear(labels.length, channels)
    this.local_backbone = local === 'crop' ? makeBackbone() : null
    this.local = new nn.Linear(channels, labels.length)
    this.fusion = new nn.Linear(2 * channels, labels.length)
    this.#threshold = threshold
  }

  forward({ map, pixels }: HeadInput): HeadOutput {
    const scores = this.activation.forward(map)
    const flat = scores.flatten(2).softmax(2)
    const attention = flat.reshape(...scores.shape)
    const classFeatures = flat.matmul(map.flatten(2).transpose(1, 2))
    const global = this.global.forward(classFeatures)
    const pooled = this.#pooledLocally(map, attention, pixels)
    const local = this.local.forward(pooled)
    const fused = this.fusion.forward(cat([averagePool(map), pooled], 1))
    const branches = [
      { name: 'global', logits: global, weight: 1 },
      { name: 'local', logits: local, weight: 1 },
    ]
    const logits = fused.add(global).add(local).div(3)
    return { logits, classFeatures, attention, ...(this.training ? { branches } : {}) }
  }

  #pooledLocally(map: Tensor, attention: Tensor, pixels: Tensor): Tensor {
    // Where any label was found; each label's map counts from 0 to 1.
    const peaks = attention.flatten(2).amax(2, true).unsqueeze(3)
    const anywhere = attention.div(attention.dim === 4 ? peaks : peaks.unsqueeze(4)).amax(1, true)
    if (this.local_backbone === null) {
      const weights = anywhere.div(
        anywhere
          .flatten(1)
          .sum(1)
          .reshape(-1, ...anywhere.shape.slice(1).map(() => 1)),
      )
      return map.mul(weights).flatten(2).sum(2)
    }
    const region = cropRegion(pixels, anywhere.detach(), this.#threshold)
    return averagePool(this.local_backbone.forward(region).map)
  }
}

/**
 * The smallest box round all positions from `threshold` on, cut out of the pixels and stretched to their size.
 *
 * @param pixels [N, C, H, W]
 * @param heat [N, 1, h, w] in [0, 1]
 */
export function cropRegion(pixels: Tensor, heat: Tensor, threshold: number): Tensor {
  const lit = heat.squeeze(1).ge(threshold)
  const [top, bottom] = extent(lit.to({ dtype: 'float32' }).amax(2))
  const [left, right] = extent(lit.to({ dtype: 'float32' }).amax(1))
  const zero = zeros([pixels.size(0)], { device: pixels.device })
  // From the box, in [-1, 1], to the whole output: half its size and its middle, along each axis.
  const affine = stack(
    [
      stack([right.sub(left).div(2), zero, right.add(left).div(2)], 1),
      stack([zero, bottom.sub(top).div(2), bottom.add(top).div(2)], 1),
    ],
    1,
  )
  const grid = aten.affine_grid_generator.default(affine, pixels.shape, false)
  return aten.grid_sampler.default(pixels.float(), grid, 0, 1, false).to({ dtype: pixels.dtype })
}

/** First and last edge of what is lit along one axis, [N] each in [-1, 1]; lit is [N, side] of 0 and 1. */
function extent(lit: Tensor): [Tensor, Tensor] {
  const side = lit.size(1)
  const places = Float32Array.from({ length: side }, (_, i) => i)
  const index = fromTypedArray(places, [1, side], { device: lit.device })
  const first = aten.amin.default(index.add(lit.neg().add(1).mul(side)), 1)
  const last = index.add(1).mul(lit).amax(1)
  return [first.mul(2 / side).sub(1), last.mul(2 / side).sub(1)]
}

export const classAttention = defineHead({
  paper: 'Guan et al., Diagnose like a Radiologist (AG-CNN), arXiv:1801.09927; Zhou et al., CAM, CVPR 2016',
  options: z.strictObject({
    local: z.enum(['reweight', 'crop']).default('reweight'),
    /** Share of the peak from which a position belongs to the region that is cropped. */
    threshold: z.number().gt(0).lt(1).default(0.7),
  }),
  make: (context, options) => {
    if (options.local === 'crop' && context.backbone.dims === 3)
      throw new RangeError('crop works on images, not volumes')
    return new ClassAttention(context, options)
  },
})
