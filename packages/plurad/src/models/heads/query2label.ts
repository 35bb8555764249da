/**
 * Query2Label (Liu et al., arXiv:2107.10834): one learned query a label looks at the encoded map through a transformer
 * decoder; a classifier of its own reads each.
 */
import { empty, nn, Parameter } from '@plurad/torch'
import { z } from 'zod'
import { defineHead } from '../define.js'
import { DIVISIBLE } from './attention-heads.js'
import { type ClassifierRows, Head, type HeadContext, type HeadInput, type HeadOutput } from '../head.js'
import { GroupLinear, pointwise, withPositions } from '../layers.js'

interface Options {
  dim: number
  heads: number
  encoder_layers: number
  decoder_layers: number
  feed_forward: number
  dropout: number
}

class Query2Label extends Head {
  readonly input_proj: nn.Conv2d | nn.Conv3d
  readonly query_embed: Parameter
  readonly encoder: nn.ModuleList<nn.TransformerEncoderLayer>
  readonly decoder: nn.ModuleList<nn.TransformerDecoderLayer>
  readonly fc: GroupLinear

  constructor({ backbone, labels }: HeadContext, options: Options) {
    super()
    const { dim, heads, encoder_layers: encoders, decoder_layers: decoders } = options
    const layer = { feedForward: options.feed_forward, dropout: options.dropout }
    this.input_proj = pointwise(backbone.dims, backbone.featureChannels, dim)
    this.query_embed = new Parameter(empty([labels.length, dim]))
    nn.init.normal_(this.query_embed)
    this.encoder = new nn.ModuleList(
      Array.from({ length: encoders }, () => new nn.TransformerEncoderLayer(dim, heads, layer)),
    )
    this.decoder = new nn.ModuleList(
      Array.from({ length: decoders }, () => new nn.TransformerDecoderLayer(dim, heads, layer)),
    )
    this.fc = new GroupLinear(labels.length, dim)
  }

  forward({ map }: HeadInput): HeadOutput {
    const projected = this.input_proj.forward(map)
    let memory = withPositions(projected)
    for (const layer of this.encoder) memory = layer.forward(memory)
    let queries = this.query_embed.unsqueeze(0).expand(map.size(0), -1, -1)
    let attention
    for (const layer of this.decoder) {
      const { output, weights } = layer.attend(queries, memory, true)
      queries = output
      attention = weights?.reshape(map.size(0), -1, ...map.shape.slice(2))
    }
    return { logits: this.fc.forward(queries), classFeatures: queries, ...(attention && { attention }) }
  }

  override classifierRows(): ClassifierRows {
    return this.fc
  }
}

export const query2label = defineHead({
  paper: 'Liu et al., Query2Label, arXiv:2107.10834',
  options: z
    .strictObject({
      dim: z.int().min(4).default(512),
      heads: z.int().min(1).default(4),
      encoder_layers: z.int().min(0).max(12).default(1),
      decoder_layers: z.int().min(1).max(12).default(2),
      feed_forward: z.int().min(1).default(2048),
      dropout: z.number().min(0).lt(1).default(0.1),
    })
    .refine(DIVISIBLE.check, DIVISIBLE.issue),
  make: (context, options) => new Query2Label(context, options),
})
