import { aten } from '../aten.js'
import type { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { Optimizer, zerosAs, type GroupInput } from './optimizer.js'

export interface AdamSettings {
  lr: number
  /** Decay of the running averages of the gradient and of its square. */
  betas: readonly [number, number]
  eps: number
  /** Adam adds it to the gradient; AdamW shrinks the weights by lr * weight_decay instead. */
  weightDecay: number
}

function update(
  state: { averages: Tensor[]; squares: Tensor[] },
  parameters: readonly Tensor[],
  gradients: readonly Tensor[],
  { lr, betas: [beta1, beta2], eps }: AdamSettings,
  step: number,
): void {
  const { averages, squares } = state
  aten._foreach_mul_.Scalar(averages, beta1)
  aten._foreach_add_.List(averages, gradients, { alpha: 1 - beta1 })
  aten._foreach_mul_.Scalar(squares, beta2)
  aten._foreach_addcmul_.Scalar(squares, gradients, gradients, 1 - beta2)
  const denominator = aten._foreach_sqrt.default(squares)
  aten._foreach_div_.Scalar(denominator, Math.sqrt(1 - beta2 ** step))
  aten._foreach_add_.Scalar(denominator, eps)
  aten._foreach_addcdiv_.Scalar(parameters, averages, denominator, -lr / (1 - beta1 ** step))
}

/** Adam (Kingma and Ba 2015) as in PyTorch: bias-corrected, weight decay as an L2 term in the gradient. */
export class Adam extends Optimizer<AdamSettings> {
  constructor(parameters: GroupInput<AdamSettings>, settings: Partial<AdamSettings> = {}) {
    super(parameters, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, ...settings })
  }

  protected override update(
    parameters: readonly Parameter[],
    gradients: readonly Tensor[],
    settings: AdamSettings,
    step: number,
  ): void {
    const decayed =
      settings.weightDecay === 0
        ? gradients
        : aten._foreach_add.List(gradients, parameters, { alpha: settings.weightDecay })
    const averages = this.stateOf(parameters, 'exp_avg', zerosAs)
    const squares = this.stateOf(parameters, 'exp_avg_sq', zerosAs)
    update({ averages, squares }, parameters, decayed, settings, step)
  }
}

/** AdamW (Loshchilov and Hutter 2019): Adam with decoupled weight decay. */
export class AdamW extends Optimizer<AdamSettings> {
  constructor(parameters: GroupInput<AdamSettings>, settings: Partial<AdamSettings> = {}) {
    super(parameters, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 1e-2, ...settings })
  }

  protected override update(
    parameters: readonly Parameter[],
    gradients: readonly Tensor[],
    settings: AdamSettings,
    step: number,
  ): void {
    if (settings.weightDecay !== 0)
      aten._foreach_mul_.Scalar(parameters, 1 - settings.lr * settings.weightDecay)
    const averages = this.stateOf(parameters, 'exp_avg', zerosAs)
    const squares = this.stateOf(parameters, 'exp_avg_sq', zerosAs)
    update({ averages, squares }, parameters, gradients, settings, step)
  }
}
