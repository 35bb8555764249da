import { nn, type Parameter, type Tensor } from '@plurad/torch'
import type { Backbone, Features, PublishedOutput } from './backbone.js'

/** What a head may use of a batch. */
export interface HeadInput extends Features {
  /** The normalised pixels that the features come from. */
  pixels: Tensor
  /** Age, sex and view, [N, METADATA_FEATURES], see `metadataFeatures`; null where the caller has none. */
  metadata: Tensor | null
  /** Labels that are known before the image is seen, [N, labels]: 1, 0, NaN for unknown; null for none. */
  known: Tensor | null
}

export interface HeadOutput extends PublishedOutput {
  /** Logits [N, labels]: the sigmoid of each is the probability of its label. */
  logits: Tensor
  /** One feature vector a label, [N, labels, D], for heads that have them. */
  classFeatures?: Tensor
  /** Where each label was looked for, [N, labels, H, W] or [N, 1, H, W] for one map for all; rows sum to one. */
  attention?: Tensor
  /** Vector of the image in the space of the label vectors, [N, D], of length 1. */
  embedding?: Tensor
  /** Cosines between it and the label vectors, [N, labels]. */
  similarities?: Tensor
}

/** The last layer of a head whose logits are x_c = w_c . f_c + b_c: what re-training and re-scaling of classifiers work on. */
export interface ClassifierRows {
  /** One row a label: the first dimension is the labels', flattened from the second on they are the rows [C, D]. */
  weight: Parameter
  /** [C] */
  bias: Parameter | null
  /** Cosine classifiers divide the rows by their lengths, which then have no say. */
  normalised?: true
}

/** Turns features into logits. */
export abstract class Head extends nn.Module<[HeadInput], HeadOutput> {
  /** Whether it learns from labels that are known beforehand: training then shows it some of each image's. */
  readonly wantsKnown: boolean = false
  /** Whether it uses age, sex and view. */
  readonly wantsMetadata: boolean = false
  /** What a user should know of how it was made, such as an empty label graph. */
  readonly notes: readonly string[] = []

  abstract override forward(input: HeadInput): HeadOutput

  /** Null for heads whose logits are not one such layer's. */
  classifierRows(): ClassifierRows | null {
    return null
  }
}

/** What is known when a head is made. */
export interface HeadContext {
  backbone: Backbone
  labels: readonly string[]
  /** Another backbone of the same kind, for heads with two streams or a local branch. */
  makeBackbone: () => Backbone
  /**
   * What the training labels say; null when a model is read from a file, whose tensors replace all that was made from
   * them.
   */
  statistics: LabelStatistics | null
  /** A vector a label, and one for each word of a prompt; null as `statistics`. */
  vectors: LabelVectors | null
  /** Shape of these vectors, also where their values come from a file; null where the model has none. */
  vectorShape: VectorShape | null
}

export interface VectorShape {
  dim: number
  words: number
}

/** Counts over the training split, unknown labels left out. */
export interface LabelStatistics {
  images: number
  /** Images of which each label is known, [labels]. */
  known: readonly number[]
  /** Images with each label, [labels]. */
  positives: readonly number[]
  /** Images with both labels, [labels][labels]; the diagonal holds `positives`. */
  together: readonly (readonly number[])[]
}

export interface LabelVectors {
  /** Where they come from, such as `cooccurrence`. */
  source: string
  /** [labels][dim] */
  labels: readonly (readonly number[])[]
  /** [words][dim] of the prompt; none for sources that know no words. */
  prompt: readonly (readonly number[])[]
}
