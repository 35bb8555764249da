/** Age, sex and view, see `metadataFeatures`, join the pooled features before the classifier (Pillai 2022). */
import { cat, nn, zeros } from '@plurad/torch'
import { z } from 'zod'
import { defineHead } from '../define.js'
import { type ClassifierRows, Head, type HeadInput, type HeadOutput } from '../head.js'
import { averagePool, lastLinear } from '../layers.js'
import { METADATA_FEATURES } from '../metadata.js'

class MetadataFusion extends Head {
  override readonly wantsMetadata = true
  readonly metadata: nn.Linear
  readonly classifier: nn.Sequential

  constructor(
    channels: number,
    labels: number,
    { hidden, embedding }: { hidden: number; embedding: number },
  ) {
    super()
    this.metadata = new nn.Linear(METADATA_FEATURES, embedding)
    this.classifier = new nn.Sequential([
      new nn.Linear(channels + embedding, hidden),
      new nn.ReLU(true),
      new nn.Linear(hidden, labels),
    ])
  }

  /** Without metadata every value counts as unknown. */
  forward({ map, metadata }: HeadInput): HeadOutput {
    const pooled = averagePool(map)
    const given = metadata ?? zeros([pooled.size(0), METADATA_FEATURES], { device: map.device })
    const embedded = this.metadata.forward(given.to({ dtype: pooled.dtype })).relu()
    return { logits: this.classifier.forward(cat([pooled, embedded.to({ dtype: pooled.dtype })], 1)) }
  }

  override classifierRows(): ClassifierRows {
    return lastLinear(this.classifier)
  }
}

export const metadataFusion = defineHead({
  paper: 'Pillai, Multi-Label Chest X-Ray Classification via Deep Learning, 2022',
  options: z.strictObject({
    hidden: z.int().min(1).default(256),
    embedding: z.int().min(1).default(16),
  }),
  make: ({ backbone, labels }, options) =>
    new MetadataFusion(backbone.featureChannels, labels.length, options),
})
