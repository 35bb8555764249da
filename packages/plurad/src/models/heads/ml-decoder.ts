/**
 * ML-Decoder (Ridnik et al., WACV 2023, arXiv:2111.12933): a decoder layer without self-attention, whose queries stand for
 * groups of labels; each group's vector is unfolded into its labels' logits.
 */
import { empty, nn, Parameter, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { defineHead } from '../define.js'
import { DIVISIBLE } from './attention-heads.js'
import { type ClassifierRows, Head, type HeadContext, type HeadInput, type HeadOutput } from '../head.js'
import { tokensOf } from '../layers.js'

interface Options {
  groups: number
  dim: number
  heads: number
  feed_forward: number
  dropout: number
}

/** Cross-attention and feed-forward: self-attention among fixed queries would give the same for every image. */
class CrossDecoderLayer extends nn.Module<[Tensor, Tensor], { output: Tensor; weights: Tensor | null }> {
  readonly norm1: nn.LayerNorm
  readonly dropout: nn.Dropout
  readonly multihead_attn: nn.MultiheadAttention
  readonly norm2: nn.LayerNorm
  readonly linear1: nn.Linear
  readonly linear2: nn.Linear
  readonly norm3: nn.LayerNorm

  constructor({ dim, heads, feed_forward: feedForward, dropout }: Options) {
    super()
    this.norm1 = new nn.LayerNorm(dim)
    this.dropout = new nn.Dropout(dropout)
    this.multihead_attn = new nn.MultiheadAttention(dim, heads, dropout)
    this.norm2 = new nn.LayerNorm(dim)
    this.linear1 = new nn.Linear(dim, feedForward)
    this.linear2 = new nn.Linear(feedForward, dim)
    this.norm3 = new nn.LayerNorm(dim)
  }

  forward(queries: Tensor, memory: Tensor): { output: Tensor; weights: Tensor | null } {
    const drop = (x: Tensor): Tensor => this.dropout.forward(x)
    const ready = this.norm1.forward(queries.add(drop(queries)))
    const { output, weights } = this.multihead_attn.forward(ready, memory, memory, true)
    const attended = this.norm2.forward(ready.add(drop(output)))
    const inner = this.linear2.forward(drop(this.linear1.forward(attended).relu()))
    return { output: this.norm3.forward(attended.add(drop(inner))), weights }
  }
}

class MlDecoder extends Head {
  readonly embed_standart: nn.Linear
  /** Fixed: what matters is that they differ. */
  readonly query_embed: Tensor
  readonly layer: CrossDecoderLayer
  readonly duplicate_pooling: Parameter
  readonly duplicate_pooling_bias: Parameter
  readonly #labels: number

  constructor({ backbone, labels }: HeadContext, options: Options) {
    super()
    const groups = Math.min(options.groups, labels.length)
    const perGroup = Math.ceil(labels.length / groups)
    this.embed_standart = new nn.Linear(backbone.featureChannels, options.dim)
    this.query_embed = nn.buffer(nn.init.normal_(empty([groups, options.dim])))
    this.layer = new CrossDecoderLayer(options)
    this.duplicate_pooling = new Parameter(empty([groups, options.dim, perGroup]))
    nn.init.xavierNormal_(this.duplicate_pooling)
    this.duplicate_pooling_bias = new Parameter(empty([labels.length]))
    nn.init.constant_(this.duplicate_pooling_bias, 0)
    this.#labels = labels.length
  }

  forward({ map }: HeadInput): HeadOutput {
    const memory = this.embed_standart.forward(tokensOf(map)).relu()
    const queries = this.query_embed.unsqueeze(0).expand(map.size(0), -1, -1)
    const { output, weights } = this.layer.forward(queries, memory)
    // [N, groups, 1, dim] x [groups, dim, labels a group]
    const unfolded = output.unsqueeze(2).matmul(this.duplicate_pooling).flatten(1)
    const logits = unfolded.slice(1, 0, this.#labels).add(this.duplicate_pooling_bias)
    const groups = output.size(1)
    // With a group a label, the group's vector and attention are the label's.
    if (groups !== this.#labels || weights === null) return { logits }
    const attention = weights.reshape(map.size(0), groups, ...map.shape.slice(2))
    return { logits, classFeatures: output, attention }
  }

  /** Where every label has a query of its own; [C, D, 1]. */
  override classifierRows(): ClassifierRows | null {
    const { duplicate_pooling: weight, duplicate_pooling_bias: bias } = this
    return weight.size(0) === this.#labels ? { weight, bias } : null
  }
}

export const mlDecoder = defineHead({
  paper: 'Ridnik et al., ML-Decoder, WACV 2023',
  options: z
    .strictObject({
      groups: z.int().min(1).default(100),
      dim: z.int().min(8).default(768),
      heads: z.int().min(1).default(8),
      feed_forward: z.int().min(1).default(2048),
      dropout: z.number().min(0).lt(1).default(0.1),
    })
    .refine(DIVISIBLE.check, DIVISIBLE.issue),
  make: (context, options) => new MlDecoder(context, options),
})
