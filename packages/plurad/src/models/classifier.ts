/** The model that is trained: backbone and head in one module. */
import { nn, type Parameter, type Tensor } from '@plurad/torch'
import { Backbone } from './backbone.js'
import type { Head, HeadOutput, LabelStatistics, LabelVectors, VectorShape } from './head.js'
import type { Part } from './part.js'
import { makeBackbone, makeHead } from './registry.js'

export interface ModelSettings {
  backbone: Part
  head: Part
  /** Channels of the images: 1 (grey) or 3 (colour), times the images of a sample. */
  inChannels: number
  /** Side of the images, pixels. */
  size: number
  labels: readonly string[]
  /** Subtracted from, and divided out of, pixels in [0, 1]; one value a channel. */
  mean: readonly number[]
  std: readonly number[]
  /** Shape of the label vectors that the head was made with, for reading it from a file. */
  vectors?: VectorShape | null
}

/** What some heads are initialised with; a model read from a file needs none of it. */
export interface LabelKnowledge {
  statistics: LabelStatistics | null
  vectors: LabelVectors | null
}

/** What a batch has beside its pixels, for heads that use it. */
export interface SideInput {
  metadata?: Tensor | null
  known?: Tensor | null
}

export class Classifier extends nn.Module<[Tensor, SideInput?]> {
  readonly backbone: Backbone
  readonly head: Head
  readonly settings: ModelSettings
  /** A factor on each label's logit, [labels], while one is learned; null for none. */
  label_scale: Parameter | null = null
  /** Parts that do not learn. */
  #still: readonly nn.AnyModule[] = []

  constructor(settings: ModelSettings, knowledge: LabelKnowledge = { statistics: null, vectors: null }) {
    super()
    const vectorShape = settings.vectors ?? shapeOf(knowledge.vectors)
    this.settings = { ...settings, vectors: vectorShape }
    const { inChannels, size, labels } = settings
    const make = (): Backbone => makeBackbone(settings.backbone, { inChannels, size })
    this.backbone = make()
    this.head = makeHead(settings.head, {
      backbone: this.backbone,
      labels,
      makeBackbone: make,
      vectorShape,
      ...knowledge,
    })
  }

  /** Its backbone, and those of the same kind that the head has for a second stream or a local branch, by their keys' prefix. */
  get backbones(): ReadonlyMap<string, Backbone> {
    const all = new Map([['backbone.', this.backbone]])
    for (const [name, part] of this.head.namedChildren())
      if (part instanceof Backbone) all.set(`head.${name}.`, part)
    return all
  }

  /** These parts run as in evaluation from now on, also while the others train. */
  keepInEvaluation(parts: readonly nn.AnyModule[]): void {
    this.#still = parts
  }

  override train(mode = true): this {
    super.train(mode)
    if (mode) for (const part of this.#still) part.eval()
    return this
  }

  /** Normalised pixels [N, C, H, W] -> logits [N, labels]. */
  forward(pixels: Tensor, side: SideInput = {}): Tensor {
    return this.outputs(pixels, side).logits
  }

  /** The same, with whatever else the head gives. */
  outputs(pixels: Tensor, { metadata = null, known = null }: SideInput = {}): HeadOutput {
    const output = this.head.forward({ ...this.backbone.forward(pixels), pixels, metadata, known })
    return this.label_scale === null ? output : { ...output, logits: output.logits.mul(this.label_scale) }
  }
}

function shapeOf(vectors: LabelVectors | null): VectorShape | null {
  return vectors === null ? null : { dim: vectors.labels[0]?.length ?? 0, words: vectors.prompt.length }
}
