/** Global average pooling and two linear layers with ReLU and dropout between them. */
import { nn } from '@plurad/torch'
import { z } from 'zod'
import { defineHead } from '../define.js'
import { type ClassifierRows, Head, type HeadInput, type HeadOutput } from '../head.js'
import { averagePool, lastLinear } from '../layers.js'

class MlpHead extends Head {
  readonly classifier: nn.Sequential

  constructor(channels: number, labels: number, { hidden, dropout }: { hidden: number; dropout: number }) {
    super()
    this.classifier = new nn.Sequential([
      new nn.Linear(channels, hidden),
      new nn.ReLU(true),
      new nn.Dropout(dropout),
      new nn.Linear(hidden, labels),
    ])
  }

  forward({ map }: HeadInput): HeadOutput {
    return { logits: this.classifier.forward(averagePool(map)) }
  }

  override classifierRows(): ClassifierRows {
    return lastLinear(this.classifier)
  }
}

export const mlp = defineHead({
  paper: 'two linear layers',
  options: z.strictObject({
    hidden: z.int().min(1).default(512),
    dropout: z.number().min(0).lt(1).default(0.2),
  }),
  make: ({ backbone, labels }, options) => new MlpHead(backbone.featureChannels, labels.length, options),
})
