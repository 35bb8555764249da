import { nn, type Tensor } from '@plurad/torch'

/** A network that turns pixels into a feature map; a head turns the map into logits. */
export abstract class Backbone extends nn.Module {
  /** Channels of the feature map. */
  abstract readonly featureChannels: number
  /** How many pixels of the input one position of the feature map stands for, along each side. */
  abstract readonly reduction: number

  /** Pixels [N, inChannels, H, W] -> feature map [N, featureChannels, H/reduction, W/reduction]. */
  abstract override forward(pixels: Tensor): Tensor
}
