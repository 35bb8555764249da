import { aten } from '../aten.js'
import { empty } from '../factory.js'
import { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { defaultLayer_, normal_ } from './init.js'
import { Module } from './module.js'

/** y = x W^T + b over the last dimension: [..., in] -> [..., out]. */
export class Linear extends Module {
  readonly weight: Parameter
  readonly bias: Parameter | null

  constructor(inFeatures: number, outFeatures: number, { bias = true }: { bias?: boolean } = {}) {
    super()
    this.weight = new Parameter(empty([outFeatures, inFeatures]))
    this.bias = bias ? new Parameter(empty([outFeatures])) : null
    defaultLayer_(this.weight, this.bias)
  }

  forward(x: Tensor): Tensor {
    return aten.linear.default(x, this.weight, this.bias)
  }
}

/** A learned vector for each of `count` indices: int64 [...] -> [..., dim]. */
export class Embedding extends Module {
  readonly weight: Parameter

  constructor(count: number, dim: number) {
    super()
    this.weight = new Parameter(empty([count, dim]))
    normal_(this.weight)
  }

  forward(indices: Tensor): Tensor {
    return aten.embedding.default(this.weight, indices)
  }
}
