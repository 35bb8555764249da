/**
 * Swin Transformer T, S, B and L (Liu et al., ICCV 2021, arXiv:2103.14030): attention within windows that move by half a
 * window from one layer to the next. Layout and parameter names are torchvision's (timm's are translated when a checkpoint
 * is read). Maps are [N, H, W, C] inside and [N, C, H, W] outside.
 */
import { aten, cat, empty, fromTypedArray, nn, Parameter, tensor, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, stochasticDepth, type StochasticDepth } from '../define.js'
import { dropPathAt } from '../layers.js'

const PATCH = 4

interface Shape {
  width: number
  depths: readonly number[]
  heads: readonly number[]
  window: number
  publishedDropPath: number
}

/** Added to attention between positions that the shift brought together from opposite edges. */
const APART = -100

class WindowAttention extends nn.Module {
  readonly qkv: nn.Linear
  readonly proj: nn.Linear
  /** A bias a head for each of the (2 window - 1)^2 offsets between two positions. */
  readonly relative_position_bias_table: Parameter
  /** Which row of the table each pair of positions takes, [window^4]. */
  readonly relative_position_index: Tensor
  readonly #heads: number
  readonly #window: number
  readonly #shift: number

  constructor(width: number, heads: number, window: number, shift: number) {
    super()
    this.qkv = linear(width, 3 * width)
    this.proj = linear(width, width)
    this.relative_position_bias_table = new Parameter(empty([(2 * window - 1) ** 2, heads]))
    nn.init.truncatedNormal_(this.relative_position_bias_table, 0.02)
    this.relative_position_index = nn.buffer(tensor(relativePositions(window), { dtype: 'int64' }))
    this.#heads = heads
    this.#window = window
    this.#shift = shift
  }

  /** [N, H, W, C] -> [N, H, W, C] */
  forward(x: Tensor): Tensor {
    const window = this.#window
    const [n, height, width, channels] = x.shape
    const [rows, columns] = [height, width].map((side) => Math.ceil(side / window))
    const [padBottom, padRight] = [rows * window - height, columns * window - width]
    const padded =
      padBottom + padRight > 0 ? aten.constant_pad_nd.default(x, [0, 0, 0, padRight, 0, padBottom]) : x
    // Within a single window there is nothing to shift.
    const shift = [rows, columns].map((windows) => (windows > 1 ? this.#shift : 0))
    const shifts = shift.some((by) => by > 0)
    const rolled = shifts
      ? aten.roll.default(
          padded,
          shift.map((by) => -by),
          [1, 2],
        )
      : padded
    const windows = rolled
      .reshape(n, rows, window, columns, window, channels)
      .permute(0, 1, 3, 2, 4, 5)
      .reshape(n * rows * columns, window * window, channels)
    const mask = shifts ? shiftMask([rows, columns], window, shift, x) : null
    const merged = this.#attend(windows, mask)
      .reshape(n, rows, columns, window, window, channels)
      .permute(0, 1, 3, 2, 4, 5)
      .reshape(n, rows * window, columns * window, channels)
    const back = shifts ? aten.roll.default(merged, shift, [1, 2]) : merged
    return padBottom + padRight > 0 ? back.slice(1, 0, height).slice(2, 0, width) : back
  }

  /** Windows [B, L, C] -> [B, L, C]; the mask is [windows of an image, L, L]. */
  #attend(windows: Tensor, mask: Tensor | null): Tensor {
    const [batch, length, channels] = windows.shape
    const heads = this.#heads
    const [q, k, v] = this.qkv
      .forward(windows)
      .reshape(batch, length, 3, heads, channels / heads)
      .permute(2, 0, 3, 1, 4)
      .chunk(3)
      .map((part) => part.squeeze(0))
    const bias = this.relative_position_bias_table
      .indexSelect(0, this.relative_position_index)
      .view(length, length, heads)
      .permute(2, 0, 1)
    let scores = q
      .mul((channels / heads) ** -0.5)
      .matmul(k.transpose(-2, -1))
      .add(bias)
    if (mask !== null) {
      scores = scores
        .view(-1, mask.size(0), heads, length, length)
        .add(mask.unsqueeze(1))
        .view(-1, heads, length, length)
    }
    const mixed = scores.softmax(-1).matmul(v).transpose(1, 2).reshape(batch, length, channels)
    return this.proj.forward(mixed)
  }
}

/** For each pair of positions of a window, the row of the bias table that their offset has. */
function relativePositions(window: number): number[] {
  const positions = Array.from({ length: window * window }, (_, i) => [Math.floor(i / window), i % window])
  return positions.flatMap(([y, x]) =>
    positions.map(
      ([otherY, otherX]) => (y - otherY + window - 1) * (2 * window - 1) + (x - otherX + window - 1),
    ),
  )
}

/** 0 between positions that were neighbours before the shift, `APART` between others: [windows, L, L]. */
function shiftMask(
  [rows, columns]: readonly number[],
  window: number,
  shift: readonly number[],
  like: Tensor,
): Tensor {
  const length = window * window
  /** Before the last window, before what was shifted in, and the rest. */
  const part = (at: number, side: number, by: number): number =>
    at < side - window ? 0 : at < side - by ? 1 : 2
  const regions = new Float32Array(rows * columns * length)
  for (let at = 0; at < regions.length; at++) {
    const [inside, place] = [at % length, Math.floor(at / length)]
    const y = Math.floor(place / columns) * window + Math.floor(inside / window)
    const x = (place % columns) * window + (inside % window)
    regions[at] = 3 * part(y, rows * window, shift[0]) + part(x, columns * window, shift[1])
  }
  const region = fromTypedArray(regions, [rows * columns, length], { device: like.device })
  return region.unsqueeze(1).ne(region.unsqueeze(2)).to({ dtype: like.dtype }).mul(APART)
}

class SwinBlock extends nn.Module {
  readonly norm1: nn.LayerNorm
  readonly attn: WindowAttention
  readonly stochastic_depth: nn.StochasticDepth
  readonly norm2: nn.LayerNorm
  readonly mlp: nn.Sequential

  constructor(width: number, heads: number, window: number, shift: number, dropPath: number) {
    super()
    this.norm1 = new nn.LayerNorm(width)
    this.attn = new WindowAttention(width, heads, window, shift)
    this.stochastic_depth = new nn.StochasticDepth(dropPath)
    this.norm2 = new nn.LayerNorm(width)
    this.mlp = new nn.Sequential({
      0: linear(width, 4 * width),
      1: new nn.GELU(),
      3: linear(4 * width, width),
    })
  }

  forward(x: Tensor): Tensor {
    const between = x.add(this.stochastic_depth.forward(this.attn.forward(this.norm1.forward(x))))
    return between.add(this.stochastic_depth.forward(this.mlp.forward(this.norm2.forward(between))))
  }
}

/** Two by two positions become one with twice the channels: [N, H, W, C] -> [N, H/2, W/2, 2 C]. */
class PatchMerging extends nn.Module {
  readonly reduction: nn.Linear
  readonly norm: nn.LayerNorm

  constructor(width: number) {
    super()
    this.reduction = new nn.Linear(4 * width, 2 * width, { bias: false })
    nn.init.truncatedNormal_(this.reduction.weight, 0.02)
    this.norm = new nn.LayerNorm(4 * width)
  }

  forward(x: Tensor): Tensor {
    const [, height, width] = x.shape
    const even = aten.constant_pad_nd.default(x, [0, 0, 0, width % 2, 0, height % 2])
    const corner = (dy: number, dx: number): Tensor =>
      even.slice(1, dy, undefined, 2).slice(2, dx, undefined, 2)
    const merged = cat([corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)], -1)
    return this.reduction.forward(this.norm.forward(merged))
  }
}

function linear(from: number, to: number): nn.Linear {
  const made = new nn.Linear(from, to)
  nn.init.truncatedNormal_(made.weight, 0.02)
  if (made.bias) nn.init.constant_(made.bias, 0)
  return made
}

/** Patches of 4x4 pixels: [N, C, H, W] -> [N, H/4, W/4, width]. */
class PatchEmbedding extends nn.Sequential {
  constructor(inChannels: number, width: number) {
    super({ 0: new nn.Conv2d(inChannels, width, PATCH, { stride: PATCH }), 2: new nn.LayerNorm(width) })
  }

  override forward(x: Tensor): Tensor {
    return this.get(2).forward(this.get(0).forward(x).permute(0, 2, 3, 1))
  }
}

class SwinTransformer extends Backbone {
  readonly features: nn.Sequential
  readonly norm: nn.LayerNorm
  override readonly featureChannels: number
  override readonly stageChannels: readonly number[]
  override readonly reduction = 32
  override readonly stem = 'features.0.0.weight'

  constructor({ inChannels }: BackboneSettings, { drop_path: dropPath }: StochasticDepth, shape: Shape) {
    super()
    const { width, depths, heads, window, publishedDropPath } = shape
    const total = depths.reduce((a, b) => a + b, 0)
    let block = 0
    this.stageChannels = depths.map((_, stage) => width * 2 ** stage)
    this.featureChannels = this.stageChannels[depths.length - 1]
    const modules: nn.Module[] = [new PatchEmbedding(inChannels, width)]
    this.stageChannels.forEach((channels, stage) => {
      if (stage > 0) modules.push(new PatchMerging(channels / 2))
      const blocks = Array.from({ length: depths[stage] }, (_, i) => {
        const drop = dropPathAt(dropPath ?? publishedDropPath, block++, total)
        return new SwinBlock(channels, heads[stage], window, i % 2 === 0 ? 0 : Math.floor(window / 2), drop)
      })
      modules.push(new nn.Sequential(blocks))
    })
    this.features = new nn.Sequential(modules)
    this.norm = new nn.LayerNorm(this.featureChannels)
  }

  forward(pixels: Tensor): Features {
    let x = pixels
    const stages: Tensor[] = []
    for (const [name, module] of this.features.namedChildren()) {
      x = (module as nn.Module).forward(x)
      // After the patches come blocks and mergings in turn.
      if (Number(name) % 2 === 0) continue
      const stage = x.permute(0, 3, 1, 2)
      stages.push(stage)
      x = stage.permute(0, 2, 3, 1)
    }
    const map = this.norm.forward(x).permute(0, 3, 1, 2)
    return { map, stages: [...stages.slice(0, -1), map], token: null }
  }

  publishedClassifier(labels: number): PooledHead {
    return new PooledHead(this.featureChannels, labels)
  }
}

class PooledHead extends nn.Module<[Features], { logits: Tensor }> {
  readonly head: nn.Linear

  constructor(channels: number, labels: number) {
    super()
    this.head = linear(channels, labels)
  }

  forward({ map }: Features): { logits: Tensor } {
    return { logits: this.head.forward(map.mean([2, 3])) }
  }
}

const swin = (shape: Omit<Shape, 'window'>) =>
  defineBackbone({
    paper: 'Liu et al., Swin Transformer, ICCV 2021',
    options: stochasticDepth,
    multiple: PATCH,
    make: (settings, options) => new SwinTransformer(settings, options, { ...shape, window: 7 }),
  })

export const swinTiny = swin({
  width: 96,
  depths: [2, 2, 6, 2],
  heads: [3, 6, 12, 24],
  publishedDropPath: 0.2,
})
export const swinSmall = swin({
  width: 96,
  depths: [2, 2, 18, 2],
  heads: [3, 6, 12, 24],
  publishedDropPath: 0.3,
})
export const swinBase = swin({
  width: 128,
  depths: [2, 2, 18, 2],
  heads: [4, 8, 16, 32],
  publishedDropPath: 0.5,
})
export const swinLarge = swin({
  width: 192,
  depths: [2, 2, 18, 2],
  heads: [6, 12, 24, 48],
  publishedDropPath: 0.5,
})
