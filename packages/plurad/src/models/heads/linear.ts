/** Global average pooling and one linear layer: with DenseNet-121 and a sigmoid this is CheXNet (arXiv:1711.05225). */
import { nn } from '@plurad/torch'
import { z } from 'zod'
import { type ClassifierRows, Head, type HeadInput, type HeadOutput } from '../head.js'
import { averagePool } from '../layers.js'
import { defineHead } from '../define.js'

class LinearHead extends Head {
  readonly classifier: nn.Linear
  readonly dropout: nn.Dropout

  constructor(featureChannels: number, labels: number, dropout: number) {
    super()
    this.dropout = new nn.Dropout(dropout)
    this.classifier = new nn.Linear(featureChannels, labels)
    if (this.classifier.bias) nn.init.constant_(this.classifier.bias, 0)
  }

  forward({ map }: HeadInput): HeadOutput {
    return { logits: this.classifier.forward(this.dropout.forward(averagePool(map))) }
  }

  override classifierRows(): ClassifierRows {
    return this.classifier
  }
}

export const linear = defineHead({
  paper: 'Rajpurkar et al., CheXNet, arXiv:1711.05225',
  options: z.strictObject({ dropout: z.number().min(0).lt(1).default(0) }),
  make: ({ backbone, labels }, { dropout }) =>
    new LinearHead(backbone.featureChannels, labels.length, dropout),
})
