import { aten } from '../aten.js'
import type { Tensor } from '../tensor.js'
import { Module } from './module.js'

type Sizes = number | readonly number[]

export interface PoolOptions {
  /** Default: the kernel size. */
  stride?: Sizes
  padding?: Sizes
  /** Round the output size up. */
  ceilMode?: boolean
  /** Whether the zeros of the padding count in a mean; default true. */
  countIncludePad?: boolean
}

/** Which operators run over two and three spatial dimensions. */
const maxima = { 2: () => aten.max_pool2d.default, 3: () => aten.max_pool3d.default }
const means = { 2: () => aten.avg_pool2d.default, 3: () => aten.avg_pool3d.default }

abstract class Pool extends Module {
  constructor(
    readonly kernelSize: Sizes,
    readonly options: PoolOptions = {},
  ) {
    super()
  }

  protected maximum(x: Tensor, dims: 2 | 3): Tensor {
    const { stride = this.kernelSize, padding = 0, ceilMode = false } = this.options
    return maxima[dims]()(x, this.kernelSize, stride, padding, 1, ceilMode)
  }

  protected mean(x: Tensor, dims: 2 | 3): Tensor {
    const { stride = this.kernelSize, padding = 0, ceilMode = false, countIncludePad = true } = this.options
    return means[dims]()(x, this.kernelSize, stride, padding, ceilMode, countIncludePad)
  }
}

/** Over [N, C, H, W]. */
export class MaxPool2d extends Pool {
  forward(x: Tensor): Tensor {
    return this.maximum(x, 2)
  }
}

/** Over [N, C, H, W]. */
export class AvgPool2d extends Pool {
  forward(x: Tensor): Tensor {
    return this.mean(x, 2)
  }
}

/** Over [N, C, D, H, W]. */
export class MaxPool3d extends Pool {
  forward(x: Tensor): Tensor {
    return this.maximum(x, 3)
  }
}

/** Over [N, C, D, H, W]. */
export class AvgPool3d extends Pool {
  forward(x: Tensor): Tensor {
    return this.mean(x, 3)
  }
}

/** Averages to a fixed output size, whatever the input's: [N, C, H, W] -> [N, C, size, size]. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: Sizes) {
    super()
  }

  forward(x: Tensor): Tensor {
    return aten.adaptive_avg_pool2d.default(x, this.outputSize)
  }
}

export class AdaptiveMaxPool2d extends Module {
  constructor(readonly outputSize: Sizes) {
    super()
  }

  forward(x: Tensor): Tensor {
    return aten.adaptive_max_pool2d.default(x, this.outputSize)[0]
  }
}

/** [N, ...] -> [N, product]. */
export class Flatten extends Module {
  constructor(
    readonly startDim = 1,
    readonly endDim = -1,
  ) {
    super()
  }

  forward(x: Tensor): Tensor {
    return x.flatten(this.startDim, this.endDim)
  }
}
