/**
 * Location attention (IIT-G ensemble): a 1x1 convolution gives each position one weight, normalised over the map; the
 * weighted sum of the features goes to a dense layer.
 */
import { nn } from '@plurad/torch'
import { z } from 'zod'
import { defineHead } from '../define.js'
import { type ClassifierRows, Head, type HeadContext, type HeadInput, type HeadOutput } from '../head.js'
import { pointwise } from '../layers.js'

interface Options {
  weights: 'softmax' | 'sigmoid'
}

class LocationAttention extends Head {
  readonly attention: nn.Conv2d | nn.Conv3d
  readonly classifier: nn.Linear
  readonly #weights: Options['weights']

  constructor({ backbone, labels }: HeadContext, { weights }: Options) {
    super()
    this.attention = pointwise(backbone.dims, backbone.featureChannels, 1)
    this.classifier = new nn.Linear(backbone.featureChannels, labels.length)
    this.#weights = weights
  }

  forward({ map }: HeadInput): HeadOutput {
    const scores = this.attention.forward(map).flatten(2)
    // Sigmoid weights are divided by their sum: the features' scale does not depend on how many positions are lit.
    const lit = scores.sigmoid()
    const weights = this.#weights === 'softmax' ? scores.softmax(2) : lit.div(lit.sum(2, true))
    const seen = map.flatten(2).mul(weights).sum(2)
    const attention = weights.reshape(map.size(0), 1, ...map.shape.slice(2))
    return { logits: this.classifier.forward(seen), attention }
  }

  override classifierRows(): ClassifierRows {
    return this.classifier
  }
}

export const locationAttention = defineHead({
  paper: 'Kejriwal et al., Classification of Chest X-ray Image into Multiple Disease Findings (IIT-G)',
  options: z.strictObject({ weights: z.enum(['softmax', 'sigmoid']).default('softmax') }),
  make: (context, options) => new LocationAttention(context, options),
})
