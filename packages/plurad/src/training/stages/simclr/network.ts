import { nn, type Tensor } from '@plurad/torch'
import type { Backbone } from '../../../models/backbone.js'
import { averagePool } from '../../../models/layers.js'
import type { ProjectionHead } from './projection-head.js'

/** What SimCLR trains: a classifier's backbone, which it shares, and a projection head of its own. */
export class ContrastiveNetwork extends nn.Module {
  readonly backbone: Backbone
  readonly projection: ProjectionHead
  readonly #fromToken: boolean

  /** @param fromToken whether the head that comes later reads the class token, where there is one, instead of the map */
  constructor(backbone: Backbone, projection: ProjectionHead, fromToken: boolean) {
    super()
    this.backbone = backbone
    this.projection = projection
    this.#fromToken = fromToken
  }

  /** Normalised pixels [N, C, H, W] -> embeddings [N, dimensions]. */
  forward(pixels: Tensor): Tensor {
    const { map, token } = this.backbone.forward(pixels)
    return this.projection.forward(this.#fromToken && token !== null ? token : averagePool(map))
  }
}
