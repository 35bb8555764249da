/**
 * LDRNet, stage 1: label decoupling (Huang et al., 2024). Prompt words and label queries,
 * Q = [W + P_word : L + P_label] + P_position, stand before the flattened map X_f in a transformer encoder; what comes out at
 * the labels' positions are the class-aware features X_class, [C, D], which a classifier a label reads. W are the vectors of
 * "The Categories of the image are {label names}", brought to D by a small learned network; without a prompt only the label
 * queries are left. Depth, heads and width of the encoder are not in the paper: ours are stated in the options.
 */
import { cat, empty, nn, Parameter, tensor, zeros, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { RecipeError } from '../../errors.js'
import { defineHead } from '../define.js'
import { type ClassifierRows, Head, type HeadContext, type HeadInput, type HeadOutput } from '../head.js'
import { DIVISIBLE, headsFor } from './attention-heads.js'
import { attentionOver, GroupLinear, pointwise, tokensOf, withPositions } from '../layers.js'

interface Options {
  prompt: boolean
  dim: number | null
  heads: number | null
  layers: number
  feed_forward: number
  dropout: number
  map_positions: 'none' | 'sine'
}

const small = (shape: readonly number[]): Parameter => {
  const made = new Parameter(empty(shape))
  nn.init.truncatedNormal_(made, 0.02)
  return made
}

/** Vectors of the prompt's words, mapped to the width of the tokens. */
class Prompt extends nn.Module<[]> {
  readonly vectors: Tensor
  readonly mlp: nn.Sequential
  readonly indicator: Parameter

  constructor(
    { dim, words }: { dim: number; words: number },
    vectors: readonly (readonly number[])[] | null,
    width: number,
  ) {
    super()
    this.vectors = nn.buffer(vectors === null ? zeros([words, dim]) : tensor(vectors))
    this.mlp = new nn.Sequential([new nn.Linear(dim, width), new nn.ReLU(), new nn.Linear(width, width)])
    this.indicator = small([1, width])
  }

  /** [words, width] */
  forward(): Tensor {
    return this.mlp.forward(this.vectors).add(this.indicator)
  }
}

class LdrNet extends Head {
  readonly projection: nn.Conv2d | nn.Conv3d | null
  readonly prompt: Prompt | null
  readonly label_embedding: Parameter
  readonly label_indicator: Parameter
  readonly position_embedding: Parameter
  readonly encoder: nn.ModuleList<nn.TransformerEncoderLayer>
  readonly classifier: GroupLinear
  readonly #mapPositions: Options['map_positions']

  constructor({ backbone, labels, vectors, vectorShape }: HeadContext, options: Options) {
    super()
    const dim = options.dim ?? backbone.featureChannels
    this.projection =
      dim === backbone.featureChannels ? null : pointwise(backbone.dims, backbone.featureChannels, dim)
    this.prompt = null
    if (options.prompt) {
      if (vectorShape === null || vectorShape.words === 0) {
        throw new RecipeError(
          'The head ldrnet needs vectors of the words of its prompt. Set model.label_vectors, or model.head.prompt=false.',
        )
      }
      this.prompt = new Prompt(vectorShape, vectors?.prompt ?? null, dim)
    }
    this.label_embedding = small([labels.length, dim])
    this.label_indicator = small([1, dim])
    this.position_embedding = small([(this.prompt?.vectors.size(0) ?? 0) + labels.length, dim])
    const heads = options.heads ?? headsFor(dim, 8)
    const layer = { feedForward: options.feed_forward, dropout: options.dropout }
    this.encoder = new nn.ModuleList(
      Array.from({ length: options.layers }, () => new nn.TransformerEncoderLayer(dim, heads, layer)),
    )
    this.classifier = new GroupLinear(labels.length, dim)
    this.#mapPositions = options.map_positions
  }

  forward({ map }: HeadInput): HeadOutput {
    const { classFeatures, attention } = this.decouple(map)
    return { logits: this.classifier.forward(classFeatures), classFeatures, ...(attention && { attention }) }
  }

  /**
   * Feature map [N, featureChannels, H, W] -> class-aware features [N, labels, D] and, in evaluation, how the last layer's
   * label tokens look at the map, [N, labels, H, W].
   */
  decouple(map: Tensor): { classFeatures: Tensor; attention: Tensor | null } {
    const projected = this.projection?.forward(map) ?? map
    const tokens = this.#mapPositions === 'sine' ? withPositions(projected) : tokensOf(projected)
    const labels = this.label_embedding.add(this.label_indicator)
    const query = this.prompt === null ? labels : cat([this.prompt.forward(), labels], 0)
    const placed = query.add(this.position_embedding).unsqueeze(0).expand(map.size(0), -1, -1)
    let x = cat([placed.to({ dtype: tokens.dtype }), tokens], 1)
    let looks: Tensor | null = null
    for (const layer of this.encoder) {
      const { output, weights } = layer.attend(x, !this.training)
      x = output
      looks = weights
    }
    const { start, end } = labelPositions(query.size(0), labels.size(0))
    return {
      classFeatures: x.slice(1, start, end),
      attention: looks && attentionOver(looks.slice(1, start, end).slice(2, query.size(0)), map),
    }
  }

  override classifierRows(): ClassifierRows {
    return this.classifier
  }
}

/** Where the labels stand among the queries: after the prompt's words. */
export function labelPositions(queries: number, labels: number): { start: number; end: number } {
  return { start: queries - labels, end: queries }
}

export const ldrnet = defineHead({
  paper: 'Huang et al., LDRNet: label decoupling and reconstruction, 2024',
  usesVectors: ({ prompt }) => prompt,
  options: z
    .strictObject({
      prompt: z.boolean().default(true),
      /** Width of the tokens; null for the backbone's channels, as published. */
      dim: z.int().min(4).nullable().default(null),
      /** Null for 8, or the most below that divide the width. */
      heads: z.int().min(1).nullable().default(null),
      layers: z.int().min(1).max(12).default(1),
      feed_forward: z.int().min(1).default(2048),
      dropout: z.number().min(0).lt(1).default(0.1),
      /** Position encodings of the map: the paper has none. */
      map_positions: z.enum(['none', 'sine']).default('none'),
    })
    .refine(DIVISIBLE.check, DIVISIBLE.issue),
  make: (context, options) => new LdrNet(context, options),
})
