/** The model that is trained: normalisation, backbone and head in one module. */
import { nn, type Tensor } from '@plurad/torch'
import type { Backbone } from './backbone.js'
import { backbones, heads, lookUp } from './registry.js'

export interface ModelSettings {
  backbone: string
  head: string
  /** Channels of the images: 1 (grey) or 3 (colour). */
  inChannels: number
  labels: readonly string[]
  /** Subtracted from, and divided out of, pixels in [0, 1]; one value a channel. */
  mean: readonly number[]
  std: readonly number[]
}

export class Classifier extends nn.Module {
  readonly backbone: Backbone
  readonly head: nn.Module
  readonly settings: ModelSettings

  constructor(settings: ModelSettings) {
    super()
    this.settings = settings
    this.backbone = lookUp(backbones, 'backbone', settings.backbone)(settings.inChannels)
    this.head = lookUp(heads, 'head', settings.head)(this.backbone.featureChannels, settings.labels.length)
  }

  /** Normalised pixels [N, C, H, W] -> logits [N, labels]. */
  forward(pixels: Tensor): Tensor {
    return this.head.forward(this.backbone.forward(pixels))
  }
}
