import { aten } from '../aten.js'
import { empty } from '../factory.js'
import { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { defaultLayer_ } from './init.js'
import { Module } from './module.js'

export interface ConvOptions {
  stride?: number | readonly number[]
  padding?: number | readonly number[]
  dilation?: number | readonly number[]
  groups?: number
  bias?: boolean
}

type Sizes = number | readonly number[]

abstract class Conv extends Module {
  readonly weight: Parameter
  readonly bias: Parameter | null
  readonly stride: Sizes
  readonly padding: Sizes
  readonly dilation: Sizes
  readonly groups: number

  constructor(
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    options: ConvOptions,
  ) {
    super()
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new RangeError(
        `Conv: channels ${inChannels} -> ${outChannels} are not divisible by ${groups} groups`,
      )
    }
    const kernel = typeof kernelSize === 'number' ? new Array<number>(dims).fill(kernelSize) : kernelSize
    this.weight = new Parameter(empty([outChannels, inChannels / groups, ...kernel]))
    this.bias = bias ? new Parameter(empty([outChannels])) : null
    this.stride = stride
    this.padding = padding
    this.dilation = dilation
    this.groups = groups
    defaultLayer_(this.weight, this.bias)
  }
}

/** Convolution over [N, C, L]. */
export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options)
  }

  forward(x: Tensor): Tensor {
    return aten.conv1d.default(
      x,
      this.weight,
      this.bias,
      this.stride,
      this.padding,
      this.dilation,
      this.groups,
    )
  }
}

/** Convolution over [N, C, H, W]. */
export class Conv2d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options)
  }

  forward(x: Tensor): Tensor {
    return aten.conv2d.default(
      x,
      this.weight,
      this.bias,
      this.stride,
      this.padding,
      this.dilation,
      this.groups,
    )
  }
}

/** Convolution over [N, C, D, H, W]. */
export class Conv3d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options)
  }

  forward(x: Tensor): Tensor {
    return aten.conv3d.default(
      x,
      this.weight,
      this.bias,
      this.stride,
      this.padding,
      this.dilation,
      this.groups,
    )
  }
}
