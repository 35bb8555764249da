/**
 * A small network of its own for every label (Taslimi et al., SwinCheX, arXiv:2206.04246): `layers` linear layers, ReLU
 * between them. With `two-way` the last gives two numbers whose softmax is the probability, as published; their difference
 * is the logit here, since softmax([a, b])[1] = sigmoid(b - a).
 */
import { nn, stack, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { defineHead } from '../define.js'
import { Head, type HeadInput, type HeadOutput } from '../head.js'
import { averagePool } from '../layers.js'

interface Options {
  layers: number
  hidden: number
  output: 'two-way' | 'sigmoid'
}

class PerLabelMlp extends Head {
  readonly heads: nn.ModuleList<nn.Sequential>
  readonly #twoWay: boolean

  constructor(channels: number, labels: number, { layers, hidden, output }: Options) {
    super()
    this.#twoWay = output === 'two-way'
    const outputs = this.#twoWay ? 2 : 1
    this.heads = new nn.ModuleList(
      Array.from({ length: labels }, () => {
        const modules = Array.from({ length: layers }, (_, i) => {
          const last = i === layers - 1
          const linear = new nn.Linear(i === 0 ? channels : hidden, last ? outputs : hidden)
          return last ? [linear] : [linear, new nn.ReLU(true)]
        })
        return new nn.Sequential(modules.flat())
      }),
    )
  }

  forward({ map }: HeadInput): HeadOutput {
    const pooled = averagePool(map)
    const logitOf = (head: nn.Sequential): Tensor => {
      const out = head.forward(pooled)
      return this.#twoWay ? out.select(1, 1).sub(out.select(1, 0)) : out.select(1, 0)
    }
    return { logits: stack(Array.from(this.heads, logitOf), 1) }
  }
}

export const perLabelMlp = defineHead({
  paper: 'Taslimi et al., SwinCheX, arXiv:2206.04246',
  options: z.strictObject({
    /** `num_mlp_heads` of the paper. */
    layers: z.int().min(1).max(8).default(3),
    hidden: z.int().min(1).default(48),
    output: z.enum(['two-way', 'sigmoid']).default('two-way'),
  }),
  make: ({ backbone, labels }, options) => new PerLabelMlp(backbone.featureChannels, labels.length, options),
})
