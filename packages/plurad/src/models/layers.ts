/** Small parts that several architectures share. */
import { empty, fromTypedArray, nn, Parameter, type Tensor } from '@plurad/torch'

/** The layers that exist over two and over three spatial dimensions: a network written with them serves both. */
export const layersOf = {
  2: { Conv: nn.Conv2d, BatchNorm: nn.BatchNorm2d, MaxPool: nn.MaxPool2d, AvgPool: nn.AvgPool2d },
  3: { Conv: nn.Conv3d, BatchNorm: nn.BatchNorm3d, MaxPool: nn.MaxPool3d, AvgPool: nn.AvgPool3d },
} as const

export type Layers = (typeof layersOf)[2 | 3]

/** Mean over all positions: [N, C, H, W] or [N, C, D, H, W] -> [N, C]. */
export function averagePool(map: Tensor): Tensor {
  return map.mean(Array.from({ length: map.dim - 2 }, (_, i) => i + 2))
}

/** Stochastic depth of block `index` of `count`: rises linearly to `largest` (Huang 2016). */
export function dropPathAt(largest: number, index: number, count: number): number {
  return count > 1 ? (largest * index) / (count - 1) : 0
}

/** He initialisation of every convolution by its outputs, biases at zero: what torchvision's older networks start with. */
export function initialiseConvolutions(network: nn.AnyModule): void {
  for (const [, module] of network.namedModules()) {
    if (!(module instanceof nn.Conv)) continue
    nn.init.kaimingNormal_(module.weight, 'fan_out')
    if (module.bias) nn.init.constant_(module.bias, 0)
  }
}

export interface ConvNormOptions {
  stride?: number
  groups?: number
  /** Null for none. */
  activation: (() => nn.Module) | null
  norm?: nn.BatchNormOptions
}

/** Convolution that keeps the size (at stride 1), batch norm, activation: under torchvision's positions 0, 1, 2. */
export function convNorm(from: number, to: number, kernel: number, options: ConvNormOptions): nn.Sequential {
  const { stride = 1, groups = 1, activation, norm = {} } = options
  const padding = (kernel - 1) / 2
  return new nn.Sequential([
    new nn.Conv2d(from, to, kernel, { stride, padding, groups, bias: false }),
    new nn.BatchNorm2d(to, norm),
    ...(activation === null ? [] : [activation()]),
  ])
}

/** Weighs channels by what their means say (Hu et al., Squeeze-and-Excitation Networks, CVPR 2018). */
export class SqueezeExcitation extends nn.Module {
  readonly fc1: nn.Conv2d
  readonly fc2: nn.Conv2d
  readonly #activation: nn.Module
  readonly #scale: nn.Module

  constructor(channels: number, squeezed: number, activation: nn.Module, scale: nn.Module) {
    super()
    this.fc1 = new nn.Conv2d(channels, squeezed, 1)
    this.fc2 = new nn.Conv2d(squeezed, channels, 1)
    this.#activation = activation
    this.#scale = scale
  }

  forward(x: Tensor): Tensor {
    const squeezed = this.#activation.forward(this.fc1.forward(x.mean([2, 3], true)))
    return x.mul(this.#scale.forward(this.fc2.forward(squeezed)))
  }
}

/** The multiple of 8 that is nearest, and not more than a tenth below: how mobile networks round their widths. */
export function roundWidth(width: number): number {
  const rounded = Math.max(8, Math.floor((width + 4) / 8) * 8)
  return rounded < 0.9 * width ? rounded + 8 : rounded
}

/** Runs modules one after the other and keeps what stands at the given positions: a network's stages. */
export function runStages(features: nn.Sequential, x: Tensor, ends: readonly number[]): Tensor[] {
  const stages: Tensor[] = []
  let at = 0
  for (const [, module] of features.namedChildren()) {
    x = (module as nn.Module).forward(x)
    if (ends.includes(at++)) stages.push(x)
  }
  return stages
}

/** Feature map [N, D, H, W] (or volume) -> tokens [N, positions, D]. */
export function tokensOf(map: Tensor): Tensor {
  return map.flatten(2).transpose(1, 2)
}

/**
 * The share of attention that goes to a map's positions, which other tokens take part of: [N, labels, positions] ->
 * [N, labels, H, W], rows summing to one.
 */
export function attentionOver(weights: Tensor, map: Tensor): Tensor {
  return weights.div(weights.sum(-1, true)).reshape(map.size(0), weights.size(1), ...map.shape.slice(2))
}

/** Largest over all positions: [N, C, H, W] or [N, C, D, H, W] -> [N, C]. */
export function maxPool(map: Tensor): Tensor {
  return map.flatten(2).amax(2)
}

/** A convolution over single positions of a map with this many spatial dimensions. */
export function pointwise(dims: 2 | 3, from: number, to: number): nn.Conv2d | nn.Conv3d {
  return new layersOf[dims].Conv(from, to, 1)
}

/**
 * Sine and cosine position encodings of a grid (Carion et al., DETR, ECCV 2020), [positions, dim]: the first channels tell
 * the row, the next the column (in volumes the slice comes first). Channels that do not divide evenly stay 0.
 */
function sinePositions(sides: readonly number[], dim: number): Float32Array {
  const each = 2 * Math.floor(dim / sides.length / 2)
  const count = sides.reduce((product, side) => product * side, 1)
  const values = new Float32Array(count * dim)
  for (let position = 0; position < count; position++) {
    let rest = position
    for (let axis = sides.length - 1; axis >= 0; axis--) {
      const at = (2 * Math.PI * ((rest % sides[axis]) + 1)) / sides[axis]
      rest = Math.floor(rest / sides[axis])
      for (let channel = 0; channel < each; channel++) {
        const angle = at / 10000 ** ((2 * Math.floor(channel / 2)) / each)
        const value = channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle)
        values[position * dim + axis * each + channel] = value
      }
    }
  }
  return values
}

/** Adds `sinePositions` to the tokens of a map, [N, positions, D]. */
export function withPositions(map: Tensor): Tensor {
  const tokens = tokensOf(map)
  const dim = map.size(1)
  const values = sinePositions(map.shape.slice(2), dim)
  return tokens.add(
    fromTypedArray(values, [tokens.size(1), dim], { device: map.device }).to({ dtype: tokens.dtype }),
  )
}

/** One linear classifier a label, each on the label's own features: [N, C, D] -> [N, C] (Query2Label). */
export class GroupLinear extends nn.Module {
  readonly weight: Parameter
  readonly bias: Parameter

  constructor(labels: number, dim: number) {
    super()
    const bound = 1 / Math.sqrt(dim)
    this.weight = new Parameter(empty([labels, dim]))
    this.bias = new Parameter(empty([labels]))
    nn.init.uniform_(this.weight, -bound, bound)
    nn.init.uniform_(this.bias, -bound, bound)
  }

  forward(x: Tensor): Tensor {
    return x.mul(this.weight).sum(-1).add(this.bias)
  }
}

/** Vectors along the last dimension divided by their lengths. */
export function normalise(x: Tensor): Tensor {
  return x.div(x.mul(x).sum(-1, true).add(1e-12).sqrt())
}

/** The last linear layer of a network, in the order of its parts. Throws `TypeError` where there is none. */
export function lastLinear(network: nn.AnyModule): nn.Linear {
  const last = Array.from(network.namedModules(), ([, part]) => part)
    .filter((part) => part instanceof nn.Linear)
    .at(-1)
  if (last === undefined) throw new TypeError('the network has no linear layer')
  return last
}
