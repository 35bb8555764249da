/**
 * Learning-rate schedules as pure functions of progress: nothing to store but the step. A schedule gives the factor
 * on the initial rate.
 */

/** Factor on the initial learning rate at a step (from 0). */
export type Schedule = (step: number) => number

export const constant: Schedule = () => 1

/** Multiplies by `gamma` every `every` steps. */
export function stepDecay(every: number, gamma = 0.1): Schedule {
  return (step) => gamma ** Math.floor(step / every)
}

/** Half a cosine from 1 to `floor` over `steps` (Loshchilov and Hutter 2017). */
export function cosine(steps: number, floor = 0): Schedule {
  return (step) => floor + ((1 - floor) * (1 + Math.cos(Math.PI * Math.min(step / steps, 1)))) / 2
}

/** Rises linearly from nearly 0 to 1 over `steps`, then follows `next` from its own start. */
export function warmup(steps: number, next: Schedule = constant): Schedule {
  return (step) => (step < steps ? (step + 1) / steps : next(step - steps))
}

export interface PlateauSettings {
  /** Factor on the learning rate when there was no progress. */
  factor: number
  /** Evaluations without progress that are waited for. */
  patience: number
  /** Whether a larger or a smaller value is better. */
  mode: 'max' | 'min'
  /** Progress smaller than this does not count (absolute). */
  threshold: number
  /** The rate never falls below this share of the initial one. */
  minFactor: number
}

export interface PlateauState {
  best: number | null
  waited: number
  factor: number
}

/** Lowers the learning rate when a metric has stopped improving (`ReduceLROnPlateau`). */
export class ReduceOnPlateau {
  readonly settings: PlateauSettings
  state: PlateauState = { best: null, waited: 0, factor: 1 }

  constructor(settings: Partial<PlateauSettings> = {}) {
    this.settings = { factor: 0.1, patience: 10, mode: 'min', threshold: 1e-4, minFactor: 0, ...settings }
  }

  /** Takes the newest value and gives the factor on the initial rate from now on. Null and NaN count as no progress. */
  step(value: number | null): number {
    const { factor, patience, mode, threshold, minFactor } = this.settings
    const { best } = this.state
    const better =
      value !== null &&
      (mode === 'max' ? value > (best ?? -Infinity) + threshold : value < (best ?? Infinity) - threshold)
    if (better) {
      this.state.best = value
      this.state.waited = 0
    } else if (++this.state.waited > patience) {
      this.state.factor = Math.max(this.state.factor * factor, minFactor)
      this.state.waited = 0
    }
    return this.state.factor
  }
}
