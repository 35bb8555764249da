/**
 * Cosine classifier: s cos(x, w_c) + b_c on the pooled features, so that the length of a classifier's row, which grows with
 * a label's frequency, has no say (Gidaris and Komodakis, CVPR 2018). What LDAM's margins are meant for.
 */
import { empty, nn, Parameter } from '@plurad/torch'
import { z } from 'zod'
import { defineHead } from '../define.js'
import { type ClassifierRows, Head, type HeadInput, type HeadOutput } from '../head.js'
import { averagePool, normalise } from '../layers.js'

class CosineHead extends Head {
  readonly weight: Parameter
  readonly bias: Parameter | null
  readonly #scale: number

  constructor(channels: number, labels: number, { scale, bias }: { scale: number; bias: boolean }) {
    super()
    this.weight = new Parameter(empty([labels, channels]))
    nn.init.kaimingUniform_(this.weight, Math.sqrt(5))
    this.bias = bias ? new Parameter(empty([labels])) : null
    if (this.bias) nn.init.constant_(this.bias, 0)
    this.#scale = scale
  }

  forward({ map }: HeadInput): HeadOutput {
    const cosines = normalise(averagePool(map)).matmul(normalise(this.weight).transpose(0, 1))
    const scaled = cosines.mul(this.#scale)
    return { logits: this.bias === null ? scaled : scaled.add(this.bias) }
  }

  override classifierRows(): ClassifierRows {
    return { weight: this.weight, bias: this.bias, normalised: true }
  }
}

export const cosine = defineHead({
  paper: 'Gidaris and Komodakis, Dynamic Few-Shot Visual Learning without Forgetting, CVPR 2018',
  options: z.strictObject({
    scale: z.number().positive().default(16),
    bias: z.boolean().default(true),
  }),
  make: ({ backbone, labels }, options) => new CosineHead(backbone.featureChannels, labels.length, options),
})
