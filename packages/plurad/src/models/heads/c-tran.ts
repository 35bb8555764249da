/**
 * C-Tran (Lanchantin et al., General Multi-label Image Classification with Transformers, CVPR 2021): tokens of the map and
 * of the labels in one encoder. A label's token is its embedding plus that of its state: unknown, negative or positive.
 * While training some of an image's labels are shown (label-mask training), so that the rest learns to lean on them; in
 * use all are unknown; callers of `Classifier.forward` can give those that they know.
 */
import { aten, cat, empty, nn, Parameter, type Tensor, zeros } from '@plurad/torch'
import { z } from 'zod'
import { defineHead } from '../define.js'
import { type ClassifierRows, Head, type HeadContext, type HeadInput, type HeadOutput } from '../head.js'
import { DIVISIBLE, headsFor } from './attention-heads.js'
import { attentionOver, GroupLinear, pointwise, withPositions } from '../layers.js'

interface Options {
  dim: number | null
  heads: number | null
  layers: number
  feed_forward: number
  dropout: number
}

class CTran extends Head {
  override readonly wantsKnown = true
  readonly projection: nn.Conv2d | nn.Conv3d | null
  readonly label_embedding: Parameter
  /** Unknown, negative, positive. */
  readonly state_embedding: Parameter
  readonly layers: nn.ModuleList<nn.TransformerEncoderLayer>
  readonly norm: nn.LayerNorm
  readonly classifier: GroupLinear

  constructor({ backbone, labels }: HeadContext, options: Options) {
    super()
    const dim = options.dim ?? backbone.featureChannels
    this.projection =
      dim === backbone.featureChannels ? null : pointwise(backbone.dims, backbone.featureChannels, dim)
    this.label_embedding = new Parameter(empty([labels.length, dim]))
    this.state_embedding = new Parameter(empty([3, dim]))
    nn.init.normal_(this.label_embedding, 0, 0.02)
    nn.init.normal_(this.state_embedding, 0, 0.02)
    const heads = options.heads ?? headsFor(dim, 4)
    const layer = { feedForward: options.feed_forward, dropout: options.dropout }
    this.layers = new nn.ModuleList(
      Array.from({ length: options.layers }, () => new nn.TransformerEncoderLayer(dim, heads, layer)),
    )
    this.norm = new nn.LayerNorm(dim)
    this.classifier = new GroupLinear(labels.length, dim)
  }

  forward({ map, known }: HeadInput): HeadOutput {
    const labels = this.label_embedding.size(0)
    const positions = withPositions(this.projection?.forward(map) ?? map)
    const states =
      known === null ? zeros([map.size(0), labels], { dtype: 'int64', device: map.device }) : statesOf(known)
    const tokens = this.label_embedding.unsqueeze(0).add(aten.embedding.default(this.state_embedding, states))
    let x = this.norm.forward(cat([positions, tokens.to({ dtype: positions.dtype })], 1))
    let looks: Tensor | null = null
    for (const layer of this.layers) {
      const { output, weights } = layer.attend(x, !this.training)
      x = output
      looks = weights
    }
    const count = positions.size(1)
    const classFeatures = x.slice(1, count)
    const attention = looks && attentionOver(looks.slice(1, count).slice(2, 0, count), map)
    return { logits: this.classifier.forward(classFeatures), classFeatures, ...(attention && { attention }) }
  }

  override classifierRows(): ClassifierRows {
    return this.classifier
  }
}

/** 1, 0 and NaN -> 2 (positive), 1 (negative) and 0 (unknown). */
function statesOf(known: Tensor): Tensor {
  return aten.nan_to_num.default(known.add(1), 0).to({ dtype: 'int64' })
}

export const cTran = defineHead({
  paper: 'Lanchantin et al., General Multi-label Image Classification with Transformers, CVPR 2021',
  options: z
    .strictObject({
      /** Width of the tokens; null for the backbone's channels, as published. */
      dim: z.int().min(4).nullable().default(null),
      /** Null for 4, or the most below that divide the width. */
      heads: z.int().min(1).nullable().default(null),
      layers: z.int().min(1).max(12).default(3),
      feed_forward: z.int().min(1).default(2048),
      dropout: z.number().min(0).lt(1).default(0.1),
    })
    .refine(DIVISIBLE.check, DIVISIBLE.issue),
  make: (context, options) => new CTran(context, options),
})
