import { aten } from '../aten.js'
import type { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { Optimizer, type GroupInput } from './optimizer.js'

export interface SGDSettings {
  lr: number
  momentum: number
  dampening: number
  weightDecay: number
  nesterov: boolean
}

/** Stochastic gradient descent with momentum, as in PyTorch: v = momentum * v + (1 - dampening) * g; w -= lr * v. */
export class SGD extends Optimizer<SGDSettings> {
  constructor(parameters: GroupInput<SGDSettings>, settings: Partial<SGDSettings> = {}) {
    super(parameters, { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, ...settings })
    for (const { settings: own } of this.groups) {
      if (own.nesterov && (own.momentum <= 0 || own.dampening !== 0)) {
        throw new TypeError('SGD: Nesterov momentum needs a momentum above zero and no dampening')
      }
    }
  }

  protected override update(
    parameters: readonly Parameter[],
    gradients: readonly Tensor[],
    { lr, momentum, dampening, weightDecay, nesterov }: SGDSettings,
    step: number,
  ): void {
    let direction: readonly Tensor[] =
      weightDecay === 0 ? gradients : aten._foreach_add.List(gradients, parameters, { alpha: weightDecay })
    if (momentum !== 0) {
      const velocity = this.stateOf(parameters, 'momentum_buffer', (parameter) =>
        aten.zeros_like.default(parameter),
      )
      aten._foreach_mul_.Scalar(velocity, momentum)
      // The first step takes the whole gradient, whatever the dampening: PyTorch starts the buffer as a copy of it.
      aten._foreach_add_.List(velocity, direction, { alpha: step === 1 ? 1 : 1 - dampening })
      direction = nesterov ? aten._foreach_add.List(direction, velocity, { alpha: momentum }) : velocity
    }
    aten._foreach_add_.List(parameters, direction, { alpha: -lr })
  }
}
