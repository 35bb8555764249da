/** From gradients to new weights: the optimiser and what stands round it, with the state that checkpoints keep. */
import { optim, scope, type Parameter, type Tensor } from '@plurad/torch'
import type { LossVariables } from '../losses/define.js'
import type { Classifier } from '../models/classifier.js'
import type { Recipe } from '../recipe/schema.js'
import type { Progress } from './checkpoint.js'
import { makeOptimizer, type AnyOptimizer } from './optimizer.js'
import type { Precision } from './precision.js'

export class WeightUpdate {
  readonly optimizer: AnyOptimizer
  /** The model's parameters that learn. */
  readonly #learned: readonly Parameter[]
  readonly #shares: readonly number[]
  readonly #clipNorm: number | null
  /** Loss scaling, with float16 only. */
  readonly #scaler: optim.GradScaler | null
  readonly #sharpness: optim.SharpnessAware | null
  readonly #average: optim.ExponentialMovingAverage | null
  readonly #variables: LossVariables | null

  /** Over the parameters of the model that learn, and what the loss learns itself. */
  constructor(
    settings: Recipe['training'],
    model: Classifier,
    variables: LossVariables | null,
    { dtype }: Precision,
  ) {
    const { optimizer, shares } = makeOptimizer(settings, model, variables)
    this.optimizer = optimizer
    this.#shares = shares
    this.#clipNorm = settings.clip_norm
    this.#variables = variables
    this.#scaler = dtype === 'float16' ? new optim.GradScaler() : null
    this.#learned = model.parameters().filter(({ requiresGrad }) => requiresGrad)
    // What the loss learns is not the model's: uphill for it may be downhill, and its gradients are no sign of explosion.
    this.#sharpness =
      settings.sam === null ? null : new optim.SharpnessAware(optimizer, settings.sam, this.#learned)
    this.#average =
      settings.ema === null ? null : new optim.ExponentialMovingAverage(this.#learned, settings.ema)
  }

  /** Whether a step goes through its batches again. */
  get twice(): boolean {
    return this.#sharpness !== null
  }

  /** @param count batches whose gradients are added up */
  backward(loss: Tensor, count: number): void {
    const scaled = scope(() => (this.#scaler ? this.#scaler.scale(loss) : loss).div(count))
    scaled.backward()
    scaled.dispose()
  }

  /**
   * @param rate learning rate
   * @param again the backward passes of the step once more, at other weights
   */
  step(rate: number, again: () => void): void {
    const { optimizer } = this
    optimizer.groups.forEach(({ settings }, i) => (settings.lr = rate * this.#shares[i]))
    let finite = this.#scaler?.unscale(optimizer) ?? true
    if (this.#sharpness && finite) {
      this.#sharpness.climb()
      again()
      this.#sharpness.restore()
      finite = this.#scaler?.unscale(optimizer) ?? true
    }
    if (this.#clipNorm !== null) optim.clipGradNorm_(this.#learned, this.#clipNorm)
    if (this.#scaler) this.#scaler.step(optimizer, finite)
    else optimizer.step()
    optimizer.zeroGrad()
    this.#average?.update()
  }

  /** The learning rate was lowered. */
  endStage(): void {
    if (this.optimizer instanceof optim.PESG) this.optimizer.newStage()
  }

  /** Runs `body` with the averaged weights in the model, where there is an average. */
  async withAverage<T>(body: () => Promise<T> | T): Promise<T> {
    this.#average?.swap()
    try {
      return await body()
    } finally {
      this.#average?.swap()
    }
  }

  /** What a checkpoint keeps beside model and optimiser: the tensors themselves. */
  get tensors(): Map<string, Tensor> {
    const { minimised = {}, maximised = {} } = this.#variables ?? {}
    return new Map<string, Tensor>([
      ...[...(this.#average?.stateDict().tensors ?? [])].map(
        ([key, value]) => [`average.${key}`, value] as const,
      ),
      ...Object.entries({ ...minimised, ...maximised }).map(
        ([key, value]) => [`loss.${key}`, value] as const,
      ),
    ])
  }

  /** Writes what is no tensor into a checkpoint's progress. */
  note(progress: Progress): void {
    progress.scaler = this.#scaler?.state ?? null
    progress.averaged = this.#average?.updates ?? 0
  }

  /** Takes it up again; the tensors are back already. */
  resume({ scaler, averaged }: Progress): void {
    if (this.#scaler && scaler) this.#scaler.state = { ...scaler }
    if (this.#average) this.#average.loadStateDict({ ...this.#average.stateDict(), updates: averaged })
  }
}
