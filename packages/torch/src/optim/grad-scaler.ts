import { aten, wrap } from '../aten.js'
import { noGrad } from '../autograd.js'
import { scope } from '../memory.js'
import { native } from '../native.js'
import type { Tensor } from '../tensor.js'
import type { Optimizer } from './optimizer.js'

export interface GradScalerState {
  scale: number
  /** Updates since the scale last changed. */
  steady: number
}

/**
 * Loss scaling for float16, whose gradients vanish below 6e-8: the loss is multiplied by a large factor before
 * `backward`, the gradients are divided by it before the update. Updates with infinite gradients are left out and
 * the factor is halved; after `interval` good ones it is doubled (Micikevicius et al., ICLR 2018, as in PyTorch).
 * bfloat16 does not need it.
 */
export class GradScaler {
  state: GradScalerState

  constructor(
    initialScale = 2 ** 16,
    readonly interval = 2000,
  ) {
    this.state = { scale: initialScale, steady: 0 }
  }

  scale(loss: Tensor): Tensor {
    return loss.mul(this.state.scale)
  }

  /**
   * Divides the gradients by the scale, without an update, and gives whether they are finite. For work on the
   * gradients (clipping) between `backward` and `step`.
   */
  unscale(optimizer: Pick<Optimizer<{ lr: number }>, 'parameters'>): boolean {
    return noGrad(() =>
      scope(() => {
        const gradients = native
          .gradsOf(optimizer.parameters.map((parameter) => parameter.handle))
          .filter((handle) => handle !== undefined)
          .map(wrap)
        if (gradients.length === 0) return true
        aten._foreach_mul_.Scalar(gradients, 1 / this.state.scale)
        const norms = aten._foreach_norm.Scalar(gradients, 2)
        return Number.isFinite(aten.stack.default(norms).sum().item())
      }),
    )
  }

  /** After `unscale`: updates when the gradients were finite, and adapts the scale. */
  step(optimizer: Optimizer<{ lr: number }>, finite: boolean): void {
    if (!finite) {
      this.state = { scale: Math.max(this.state.scale / 2, 1), steady: 0 }
      return
    }
    optimizer.step()
    const steady = this.state.steady + 1
    this.state =
      steady === this.interval ? { scale: this.state.scale * 2, steady: 0 } : { ...this.state, steady }
  }
}
