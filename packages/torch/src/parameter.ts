import { noGrad } from './autograd.js'
import { replace, scope, takeOver } from './memory.js'
import { Tensor, type ToOptions } from './tensor.js'

/** A leaf that a module learns: `parameters()` lists it, and it outlives every scope. */
export class Parameter extends Tensor {
  /** `values` is taken over without a copy. */
  constructor(values: Tensor, requiresGrad = true) {
    super(0)
    takeOver(this, values.detach())
    if (requiresGrad) this.requiresGrad_()
  }

  /**
   * Changes dtype, device or memory format in place, so that whoever holds the parameter sees it. What was changed
   * has no gradient.
   */
  convert_(options: ToOptions): this {
    const { requiresGrad } = this
    // Where nothing changes, the engine gives the same tensor back, with its gradient.
    scope(() => noGrad(() => replace(this, this.to(options))))
    if (this.requiresGrad !== requiresGrad) this.requiresGrad_(requiresGrad)
    return this
  }
}
