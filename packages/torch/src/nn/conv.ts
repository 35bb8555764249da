import { aten } from '../aten.js'
import { empty } from '../factory.js'
import { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { defaultLayer_ } from './init.js'
import { Module } from './module.js'

type Sizes = number | readonly number[]

export interface ConvOptions {
  stride?: Sizes
  padding?: Sizes
  dilation?: Sizes
  groups?: number
  bias?: boolean
}

/** Which operator runs over one, two and three spatial dimensions. */
const operators = {
  1: () => aten.conv1d.default,
  2: () => aten.conv2d.default,
  3: () => aten.conv3d.default,
}

/** Convolution over [N, C, ...spatial dimensions]. */
export abstract class Conv extends Module {
  readonly weight: Parameter
  readonly bias: Parameter | null
  readonly inChannels: number
  readonly outChannels: number
  readonly stride: Sizes
  readonly padding: Sizes
  readonly dilation: Sizes
  readonly groups: number
  readonly #dims: 1 | 2 | 3

  protected constructor(
    dims: 1 | 2 | 3,
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
    this.inChannels = inChannels
    this.outChannels = outChannels
    this.stride = stride
    this.padding = padding
    this.dilation = dilation
    this.groups = groups
    this.#dims = dims
    defaultLayer_(this.weight, this.bias)
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, stride, padding, dilation, groups } = this
    return operators[this.#dims]()(x, weight, bias, stride, padding, dilation, groups)
  }
}

/** Convolution over [N, C, L]. */
export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options)
  }
}

/** Convolution over [N, C, H, W]. */
export class Conv2d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options)
  }
}

/** Convolution over [N, C, D, H, W]. */
export class Conv3d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: Sizes, options: ConvOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options)
  }
}
