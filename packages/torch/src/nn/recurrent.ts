import { aten } from '../aten.js'
import { empty, zeros } from '../factory.js'
import { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { uniform_ } from './init.js'
import { Module } from './module.js'

export interface LSTMOptions {
  layers?: number
  bidirectional?: boolean
  /** Between layers, while training. */
  dropout?: number
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997), batch first: [N, L, in] -> [N, L, hidden * directions].
 * Names are PyTorch's: `weight_ih_l0`, `weight_hh_l0_reverse` …
 */
export class LSTM extends Module {
  readonly hiddenSize: number
  readonly #layers: number
  readonly #directions: number
  readonly #dropout: number

  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    super()
    const { layers = 1, bidirectional = false, dropout = 0 } = options
    this.hiddenSize = hiddenSize
    this.#layers = layers
    this.#directions = bidirectional ? 2 : 1
    this.#dropout = dropout
    const bound = 1 / Math.sqrt(hiddenSize)
    const own = this as unknown as Record<string, Parameter>
    for (let layer = 0; layer < layers; layer++) {
      const width = layer === 0 ? inputSize : hiddenSize * this.#directions
      for (const end of ['', '_reverse'].slice(0, this.#directions)) {
        for (const [name, shape] of [
          ['weight_ih', [4 * hiddenSize, width]],
          ['weight_hh', [4 * hiddenSize, hiddenSize]],
          ['bias_ih', [4 * hiddenSize]],
          ['bias_hh', [4 * hiddenSize]],
        ] as const) {
          const parameter = new Parameter(empty(shape))
          uniform_(parameter, -bound, bound)
          own[`${name}_l${layer}${end}`] = parameter
        }
      }
    }
  }

  forward(x: Tensor): Tensor {
    return this.run(x).output
  }

  /** Also the last hidden state of the last layer's directions, [N, hidden * directions]. */
  run(x: Tensor): { output: Tensor; hidden: Tensor } {
    const states = (): Tensor =>
      zeros([this.#layers * this.#directions, x.size(0), this.hiddenSize], {
        dtype: x.dtype,
        device: x.device,
      })
    const [output, hidden] = aten.lstm.input(
      x,
      [states(), states()],
      this.parameters(),
      true,
      this.#layers,
      this.training ? this.#dropout : 0,
      this.training,
      this.#directions === 2,
      true,
    )
    const last = hidden.narrow(0, (this.#layers - 1) * this.#directions, this.#directions)
    return { output, hidden: last.transpose(0, 1).flatten(1) }
  }
}
