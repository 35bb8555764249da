import { noGrad } from '../autograd.js'
import { aten, wrap } from '../aten.js'
import { SerializationError } from '../errors.js'
import { keep, scope } from '../memory.js'
import { native } from '../native.js'
import type { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'

/** Parameters that share their settings. */
export interface ParameterGroup<Settings> {
  parameters: readonly Parameter[]
  settings: Settings
}

export type GroupInput<Settings> =
  readonly Parameter[] | readonly (Partial<Settings> & { parameters: readonly Parameter[] })[]

/** What an optimiser stores: tensors by `<parameter index>.<name>` and plain numbers beside them. */
export interface OptimizerState {
  tensors: Map<string, Tensor>
  scalars: { steps: number[]; settings: Record<string, unknown>[] }
}

/**
 * An optimiser. Parameters with the same settings are updated by the engine's `_foreach_` operators: one call for
 * all of them instead of one a parameter.
 */
export abstract class Optimizer<Settings extends { lr: number }> {
  readonly groups: ParameterGroup<Settings>[]
  /** The parameters of all groups, in order. */
  readonly parameters: readonly Parameter[]
  readonly #index: ReadonlyMap<Parameter, number>
  readonly #state: Map<string, Tensor>[]
  readonly #steps: number[]

  constructor(parameters: GroupInput<Settings>, defaults: Settings) {
    const first = parameters[0]
    if (first === undefined) throw new TypeError(`${new.target.name}: there are no parameters to optimise`)
    const groups =
      'parameters' in first
        ? (parameters as readonly (Partial<Settings> & { parameters: readonly Parameter[] })[])
        : [
            { parameters: parameters as readonly Parameter[] } as Partial<Settings> & {
              parameters: readonly Parameter[]
            },
          ]
    this.groups = groups.map(({ parameters: own, ...settings }) => ({
      parameters: own,
      settings: { ...defaults, ...settings },
    }))
    this.parameters = this.groups.flatMap((group) => group.parameters)
    this.#index = new Map(this.parameters.map((parameter, i) => [parameter, i]))
    if (this.#index.size !== this.parameters.length)
      throw new TypeError(`${new.target.name}: a parameter is listed twice`)
    this.#state = this.parameters.map(() => new Map<string, Tensor>())
    this.#steps = this.parameters.map(() => 0)
  }

  #indexOf(parameter: Parameter): number {
    const index = this.#index.get(parameter)
    if (index === undefined) throw new TypeError('the parameter does not belong to this optimiser')
    return index
  }

  /** Updates the parameters that have a gradient. */
  step(): void {
    noGrad(() => {
      scope(() => {
        for (const { parameters, settings } of this.groups) {
          const gradients = native.gradsOf(parameters.map((parameter) => parameter.handle))
          // Parameters that joined later are at another step, so their bias corrections differ: one update a step count.
          const bySteps = new Map<number, { parameters: Parameter[]; gradients: Tensor[] }>()
          parameters.forEach((parameter, i) => {
            const gradient = gradients[i]
            if (gradient === undefined) return
            const step = ++this.#steps[this.#indexOf(parameter)]
            const batch = bySteps.get(step) ?? { parameters: [], gradients: [] }
            batch.parameters.push(parameter)
            batch.gradients.push(wrap(gradient))
            bySteps.set(step, batch)
          })
          for (const [step, batch] of bySteps) this.update(batch.parameters, batch.gradients, settings, step)
        }
      })
    })
  }

  /** One update of parameters that have all made `step` updates, this one included. Runs without autograd. */
  protected abstract update(
    parameters: readonly Parameter[],
    gradients: readonly Tensor[],
    settings: Settings,
    step: number,
  ): void

  /** One state tensor a parameter, made by `create` when first asked for. */
  protected stateOf(
    parameters: readonly Parameter[],
    name: string,
    create: (parameter: Parameter) => Tensor,
  ): Tensor[] {
    return parameters.map((parameter) => {
      const state = this.#state[this.#indexOf(parameter)]
      let tensor = state.get(name)
      if (!tensor) {
        tensor = keep(create(parameter))
        state.set(name, tensor)
      }
      return tensor
    })
  }

  /** Drops the gradients of all parameters. */
  zeroGrad(): void {
    native.clearGrads(this.parameters.map((parameter) => parameter.handle))
  }

  /** Sets the learning rate of every group. */
  setLearningRate(lr: number): void {
    for (const group of this.groups) group.settings.lr = lr
  }

  get learningRate(): number {
    return this.groups[0].settings.lr
  }

  /** The tensors themselves, not copies. */
  stateDict(): OptimizerState {
    const tensors = new Map<string, Tensor>()
    this.#state.forEach((state, i) => {
      for (const [name, tensor] of state) tensors.set(`${i}.${name}`, tensor)
    })
    return {
      tensors,
      scalars: { steps: [...this.#steps], settings: this.groups.map((group) => ({ ...group.settings })) },
    }
  }

  loadStateDict({ tensors, scalars }: OptimizerState): void {
    if (scalars.steps.length !== this.parameters.length || scalars.settings.length !== this.groups.length) {
      throw new SerializationError(
        `The optimiser's state is of ${scalars.steps.length} parameters in ${scalars.settings.length} groups, ` +
          `this optimiser has ${this.parameters.length} in ${this.groups.length}`,
      )
    }
    const stored = [...tensors].map(([key, tensor]) => {
      const dot = key.indexOf('.')
      const parameter = this.parameters[Number(key.slice(0, dot))]
      if (!parameter)
        throw new SerializationError(`The optimiser's state has '${key}', which is no parameter of it`)
      if (tensor.shape.join() !== parameter.shape.join()) {
        throw new SerializationError(
          `The optimiser's state '${key}' has shape [${tensor.shape.join(', ')}], the parameter [${parameter.shape.join(', ')}]`,
        )
      }
      return { parameter, name: key.slice(dot + 1), tensor }
    })
    scalars.steps.forEach((step, i) => (this.#steps[i] = step))
    this.groups.forEach((group, i) => Object.assign(group.settings, scalars.settings[i]))
    // A running average from before, which the stored state lacks, would go on acting.
    this.#state.forEach((state, i) => {
      for (const [name, own] of state) {
        if (tensors.has(`${i}.${name}`)) continue
        own.dispose()
        state.delete(name)
      }
    })
    for (const { parameter, name, tensor } of stored) {
      const [own] = this.stateOf([parameter], name, zerosAs)
      noGrad(() => scope(() => void own.copy_(tensor)))
    }
  }
}

/** Zeros with the parameter's shape, dtype, device and strides. */
export function zerosAs(parameter: Tensor): Tensor {
  return noGrad(() => aten.zeros_like.default(parameter))
}
