import { replace, takeOver } from './memory.js'
import { Tensor, type ToOptions } from './tensor.js'

/** A leaf that a module learns: `parameters()` lists it, and it outlives every scope. */
export class Parameter extends Tensor {
  /** `values` is taken over without a copy. */
  constructor(values: Tensor, requiresGrad = true) {
    super(0)
    takeOver(this, values.detach())
    if (requiresGrad) this.requiresGrad_()
  }

  /** Changes dtype, device or memory format in place, so that whoever holds the parameter sees it. */
  convert_(options: ToOptions): this {
    const { requiresGrad } = this
    const detached = this.detach()
    const converted = detached.to(options)
    if (converted.handle !== detached.handle) {
      replace(this, converted)
      this.requiresGrad_(requiresGrad)
    }
    return this
  }
}
