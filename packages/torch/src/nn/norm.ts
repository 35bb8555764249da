import { aten } from '../aten.js'
import { noGrad } from '../autograd.js'
import { ones, zeros } from '../factory.js'
import { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { buffer, Module, type AnyModule } from './module.js'

export interface BatchNormOptions {
  /** Added to the variance, default 1e-5. */
  eps?: number
  /** Weight of the new batch in the running statistics, default 0.1. */
  momentum?: number
  /** Learn scale and shift, default true. */
  affine?: boolean
}

/** Batch normalisation (Ioffe and Szegedy 2015) over every dimension but the second. */
export class BatchNorm extends Module {
  /** Whether training moves the running statistics; it computes with those of the batch either way. */
  tracking = true
  readonly weight: Parameter | null
  readonly bias: Parameter | null
  readonly running_mean: Tensor
  readonly running_var: Tensor
  readonly num_batches_tracked: Tensor
  readonly eps: number
  readonly momentum: number

  constructor(features: number, { eps = 1e-5, momentum = 0.1, affine = true }: BatchNormOptions = {}) {
    super()
    this.weight = affine ? new Parameter(ones([features])) : null
    this.bias = affine ? new Parameter(zeros([features])) : null
    this.running_mean = buffer(zeros([features]))
    this.running_var = buffer(ones([features]))
    this.num_batches_tracked = buffer(zeros([], { dtype: 'int64' }))
    this.eps = eps
    this.momentum = momentum
  }

  forward(x: Tensor): Tensor {
    const frozen = this.training && !this.tracking
    if (this.training && !frozen) noGrad(() => this.num_batches_tracked.add_(1))
    return aten.batch_norm.default(
      x,
      this.weight,
      this.bias,
      frozen ? null : this.running_mean,
      frozen ? null : this.running_var,
      this.training,
      this.momentum,
      this.eps,
      true,
    )
  }
}

/** The same for [N, C], [N, C, L], [N, C, H, W] and [N, C, D, H, W]: the names are PyTorch's. */
export class BatchNorm1d extends BatchNorm {}
export class BatchNorm2d extends BatchNorm {}
export class BatchNorm3d extends BatchNorm {}

/**
 * Runs `body` with batch norm's running statistics left as they are: training computes with the batch's own, but does not
 * take them in. For a second pass over the same batch at other weights, as sharpness-aware minimisation makes it.
 */
export function withFrozenStatistics<T>(module: AnyModule, body: () => T): T {
  const tracking = [...module.namedModules()].flatMap(([, part]) =>
    part instanceof BatchNorm && part.tracking ? [part] : [],
  )
  for (const norm of tracking) norm.tracking = false
  try {
    return body()
  } finally {
    for (const norm of tracking) norm.tracking = true
  }
}

/**
 * Under autocast these norms compute in the parameters' precision, as CUDA's autocast has it: on the CPU libtorch before
 * 2.0 refuses a half-precision input beside single-precision parameters.
 */
function asParameter(x: Tensor, { dtype }: Parameter): Tensor {
  return x.dtype === dtype ? x : x.to({ dtype })
}

/** Layer normalisation over the last dimensions (Ba 2016). */
export class LayerNorm extends Module {
  readonly weight: Parameter
  readonly bias: Parameter
  readonly normalizedShape: readonly number[]
  readonly eps: number

  constructor(normalizedShape: number | readonly number[], eps = 1e-5) {
    super()
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape
    this.weight = new Parameter(ones(this.normalizedShape))
    this.bias = new Parameter(zeros(this.normalizedShape))
    this.eps = eps
  }

  forward(x: Tensor): Tensor {
    return aten.layer_norm.default(
      asParameter(x, this.weight),
      this.normalizedShape,
      this.weight,
      this.bias,
      this.eps,
    )
  }
}

/** Layer normalisation over the channels of [N, C, H, W], each position by itself, as ConvNeXt has it. */
export class LayerNorm2d extends LayerNorm {
  override forward(x: Tensor): Tensor {
    return super.forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
  }
}

/** Group normalisation (Wu and He 2018). */
export class GroupNorm extends Module {
  readonly weight: Parameter
  readonly bias: Parameter

  constructor(
    readonly groups: number,
    channels: number,
    readonly eps = 1e-5,
  ) {
    super()
    this.weight = new Parameter(ones([channels]))
    this.bias = new Parameter(zeros([channels]))
  }

  forward(x: Tensor): Tensor {
    return aten.group_norm.default(asParameter(x, this.weight), this.groups, this.weight, this.bias, this.eps)
  }
}
