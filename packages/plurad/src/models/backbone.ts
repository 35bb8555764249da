import { nn, type Tensor } from '@plurad/torch'

/** What a backbone sees in a batch of images. */
export interface Features {
  /** The last feature map, [N, featureChannels, H / reduction, W / reduction]; one more dimension in volumes. */
  map: Tensor
  /**
   * The map after each stage, the fine ones first, `map` or what becomes it last: for explanation and for heads. Each is
   * what the network goes on with, not a copy of it, so that the logits have a gradient with respect to it.
   */
  stages: readonly Tensor[]
  /** The class token [N, featureChannels] of transformers that have one. */
  token: Tensor | null
}

/** What every backbone is made for. */
export interface BackboneSettings {
  /** Channels of the images. */
  inChannels: number
  /** Side of the square (or cube) images, pixels: position embeddings have this shape. */
  size: number
}

/** A network that turns pixels into feature maps; a head turns them into logits. */
export abstract class Backbone extends nn.Module<[Tensor], Features> {
  /** Channels of the last feature map. */
  abstract readonly featureChannels: number
  /** Channels of each of the stages' maps. */
  abstract readonly stageChannels: readonly number[]
  /** How many pixels of the input one position of the last map stands for, along each side. */
  abstract readonly reduction: number
  /** Spatial dimensions of the input. */
  readonly dims: 2 | 3 = 2

  /** Pixels [N, inChannels, H, W] -> features. */
  abstract override forward(pixels: Tensor): Features

  /**
   * The classifier that the architecture was published with, from features to logits [N, labels] (with those of
   * auxiliary branches while training). Its children have the names that they have in public checkpoints.
   */
  abstract publishedClassifier(labels: number): nn.Module<[Features], PublishedOutput>

  /**
   * Name of the weight that reads the pixels, [out, inChannels, ...]: folded when a checkpoint has other channels. Null
   * where there is none of that shape.
   */
  abstract readonly stem: string | null
}

export interface PublishedOutput {
  logits: Tensor
  /** Of auxiliary classifiers, while training. */
  branches?: readonly Branch[]
}

/** Logits beside the main ones that the loss counts too. */
export interface Branch {
  name: string
  logits: Tensor
  /** Share in the loss. */
  weight: number
  /** Name of the loss for these logits; the recipe's own when left out. */
  loss?: string
}
