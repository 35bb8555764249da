import { aten } from '../aten.js'
import { noGrad } from '../autograd.js'
import { SerializationError } from '../errors.js'
import { keep, scope } from '../memory.js'
import type { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'

export interface AverageSettings {
  /** Share of the old average in each update, in [0, 1). */
  decay: number
  /** Starts with small decays, min(decay, (1 + n) / (10 + n)) at update n, so that the first weights are soon forgotten. */
  warmup: boolean
}

/** What an average stores: one tensor a parameter, by its index, and how many updates it has seen. */
export interface AverageState {
  tensors: Map<string, Tensor>
  updates: number
}

/**
 * Exponential moving average of parameters (Polyak and Juditsky 1992): average <- d average + (1 - d) w after every
 * update of the weights, from the weights that it was made with. For evaluation `swap` puts it in the parameters' place.
 * Buffers, such as batch norm's statistics, are no part of it: evaluation takes them as they are.
 */
export class ExponentialMovingAverage {
  readonly #parameters: readonly Parameter[]
  readonly #settings: AverageSettings
  readonly #averages: readonly Tensor[]
  #updates = 0
  #swapped = false

  constructor(parameters: readonly Parameter[], settings: Partial<AverageSettings> = {}) {
    this.#settings = { decay: 0.999, warmup: true, ...settings }
    const { decay } = this.#settings
    if (!(decay >= 0 && decay < 1)) throw new RangeError(`The decay ${decay} does not lie in [0, 1)`)
    this.#parameters = parameters
    this.#averages = parameters.map((parameter) => noGrad(() => keep(parameter.detach().clone())))
  }

  /** Updates so far. */
  get updates(): number {
    return this.#updates
  }

  /** Share of the old average in the next update. */
  get decay(): number {
    const { decay, warmup } = this.#settings
    return warmup ? Math.min(decay, (1 + this.#updates) / (10 + this.#updates)) : decay
  }

  /** Whether the parameters hold the average now. */
  get swapped(): boolean {
    return this.#swapped
  }

  /** Takes the parameters in as they are now. */
  update(): void {
    if (this.#swapped) throw new TypeError("The average stands in the parameters' place: swap() first")
    if (this.#parameters.length === 0) return
    noGrad(() =>
      scope(() => {
        // As a step towards w: a weight that does not change leaves its average as it is, to the last bit.
        const away = aten._foreach_sub.List(this.#parameters, this.#averages)
        aten._foreach_add_.List(this.#averages, away, { alpha: 1 - this.decay })
      }),
    )
    this.#updates++
  }

  /** Exchanges parameters and averages; twice is as before. */
  swap(): void {
    noGrad(() =>
      this.#parameters.forEach((parameter, i) =>
        scope(() => {
          const own = parameter.detach().clone()
          parameter.copy_(this.#averages[i])
          this.#averages[i].copy_(own)
        }),
      ),
    )
    this.#swapped = !this.#swapped
  }

  /** The tensors themselves, not copies. */
  stateDict(): AverageState {
    return {
      tensors: new Map(this.#averages.map((average, i) => [String(i), average])),
      updates: this.#updates,
    }
  }

  /** Throws `SerializationError` where a tensor is missing or of another shape. */
  loadStateDict({ tensors, updates }: AverageState): void {
    const stored = this.#averages.map((average, i) => {
      const tensor = tensors.get(String(i))
      if (!tensor || tensor.shape.join() !== average.shape.join()) {
        throw new SerializationError(
          `The moving average of parameter ${i} has shape [${tensor?.shape.join(', ') ?? 'missing'}], ` +
            `expected [${average.shape.join(', ')}]`,
        )
      }
      return tensor
    })
    noGrad(() => stored.forEach((tensor, i) => void this.#averages[i].copy_(tensor)))
    this.#updates = updates
  }
}
