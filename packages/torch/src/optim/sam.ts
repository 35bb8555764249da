import { aten, wrap } from '../aten.js'
import { noGrad } from '../autograd.js'
import { keep, scope } from '../memory.js'
import { native } from '../native.js'
import type { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { zerosAs, type Optimizer } from './optimizer.js'

export interface SharpnessSettings {
  /** Length of the step uphill. 0.05 for SAM; ASAM's authors take 0.5. */
  rho: number
  /** ASAM: every weight's share of the step is scaled by its size. */
  adaptive: boolean
}

/** What ASAM adds to |w|, so that weights near zero move too (eta of the paper). */
const STABILITY = 0.01

/**
 * Sharpness-aware minimisation round an optimiser: it steps from w with the gradient at w + e(w), the worst place nearby.
 * SAM (Foret et al., ICLR 2021): e = rho g / ||g||. ASAM (Kwon et al., ICML 2021), element-wise: e = rho T^2 g / ||T g||,
 * T = |w| + 0.01. All parameters share one norm.
 *
 * A step is: backward, `climb`, backward again, `step`. The second pass should leave batch norm's running statistics
 * alone (`nn.withFrozenStatistics`).
 */
export class SharpnessAware {
  readonly #settings: SharpnessSettings
  /** Where each parameter stood, for those that have ever moved. */
  readonly #places = new Map<Parameter, Tensor>()
  #away: readonly Parameter[] = []

  /** @param parameters those that climb; left out, all of the optimiser's */
  constructor(
    readonly optimizer: Pick<Optimizer<{ lr: number }>, 'parameters' | 'step' | 'zeroGrad'>,
    settings: Partial<SharpnessSettings> = {},
    readonly parameters: readonly Parameter[] = optimizer.parameters,
  ) {
    this.#settings = { rho: 0.05, adaptive: false, ...settings }
    if (!(this.#settings.rho > 0)) throw new RangeError(`SAM: rho ${this.#settings.rho} is not above zero`)
  }

  /** Moves the parameters that have a gradient to w + e(w), and drops the gradients. */
  climb(): void {
    if (this.#away.length > 0)
      throw new TypeError('SAM: climb() was called twice without restore() or step()')
    noGrad(() =>
      scope(() => {
        const all = this.parameters
        const handles = native.gradsOf(all.map((parameter) => parameter.handle))
        const moved = all.filter((_, i) => handles[i] !== undefined)
        if (moved.length === 0) return
        const gradients = handles.filter((handle) => handle !== undefined).map(wrap)
        const { rho, adaptive } = this.#settings
        const sizes = adaptive ? aten._foreach_abs.default(moved) : null
        if (sizes) aten._foreach_add_.Scalar(sizes, STABILITY)
        const scaled = sizes ? aten._foreach_mul.List(gradients, sizes) : gradients
        const norm = aten.stack.default(aten._foreach_norm.Scalar(scaled, 2)).norm().item()
        const direction = sizes ? aten._foreach_mul.List(scaled, sizes) : scaled
        for (const parameter of moved) this.#placeOf(parameter).copy_(parameter)
        aten._foreach_add_.List(moved, direction, { alpha: rho / (norm + 1e-12) })
        this.#away = moved
      }),
    )
    this.optimizer.zeroGrad()
  }

  /** Puts the parameters back to w, bit for bit; their gradients stay. */
  restore(): void {
    noGrad(() => {
      for (const parameter of this.#away) parameter.copy_(this.#placeOf(parameter))
    })
    this.#away = []
  }

  /** Goes back to w and lets the optimiser step. */
  step(): void {
    this.restore()
    this.optimizer.step()
  }

  #placeOf(parameter: Parameter): Tensor {
    let place = this.#places.get(parameter)
    if (!place) {
      place = keep(zerosAs(parameter))
      this.#places.set(parameter, place)
    }
    return place
  }
}
