/**
 * ResNet (He et al., CVPR 2016, arXiv:1512.03385): blocks that add to what they are given. Layout and parameter names are
 * torchvision's (stride in the 3x3 convolution), so that its checkpoints load by key. The same over three dimensions has
 * the layout of MedicalNet (Chen et al., Med3D, arXiv:1904.00625), whose dilations were for segmentation; its ResNet-18 and
 * 34 have shortcuts without weights (`shortcut: padding`).
 */
import { aten, nn, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, depthAndDropout } from '../define.js'
import { dropPathAt, initialiseConvolutions, layersOf, type Layers } from '../layers.js'
import { PooledLinear } from '../published.js'

type AnyConv = nn.Conv2d | nn.Conv3d

const conv3 = ({ Conv }: Layers, from: number, to: number, stride = 1): AnyConv =>
  new Conv(from, to, 3, { stride, padding: 1, bias: false })
const conv1 = ({ Conv }: Layers, from: number, to: number, stride = 1): AnyConv =>
  new Conv(from, to, 1, { stride, bias: false })

/** Every other position, and zeros for the channels that are new: option A of the paper. */
class PaddedShortcut extends nn.Module {
  readonly #channels: number
  readonly #pool: nn.Module

  constructor({ AvgPool }: Layers, channels: number, stride: number) {
    super()
    this.#channels = channels
    this.#pool = new AvgPool(1, { stride })
  }

  forward(x: Tensor): Tensor {
    const sides = new Array<number>(2 * (x.dim - 2)).fill(0)
    return aten.constant_pad_nd.default(this.#pool.forward(x), [...sides, 0, this.#channels - x.size(1)])
  }
}

interface BlockSettings {
  from: number
  width: number
  stride: number
  shortcut: ResNetOptions['shortcut']
  /** Probability of dropping the residual branch. */
  dropPath: number
}

/** What a block that changes size or channels adds to: a 1x1 convolution and norm of its input, or that padded. */
function shortcutOf(layers: Layers, to: number, { from, stride, shortcut }: BlockSettings): nn.Module | null {
  if (stride === 1 && from === to) return null
  return shortcut === 'padding'
    ? new PaddedShortcut(layers, to, stride)
    : new nn.Sequential([conv1(layers, from, to, stride), new layers.BatchNorm(to)])
}

/** Two 3x3 convolutions. */
class BasicBlock extends nn.Module {
  static readonly expansion = 1
  readonly conv1: AnyConv
  readonly bn1: nn.BatchNorm
  readonly conv2: AnyConv
  readonly bn2: nn.BatchNorm
  readonly downsample: nn.Module | null
  readonly drop_path: nn.StochasticDepth

  constructor(layers: Layers, settings: BlockSettings) {
    super()
    const { from, width, stride, dropPath } = settings
    this.conv1 = conv3(layers, from, width, stride)
    this.bn1 = new layers.BatchNorm(width)
    this.conv2 = conv3(layers, width, width)
    this.bn2 = new layers.BatchNorm(width)
    this.downsample = shortcutOf(layers, width, settings)
    this.drop_path = new nn.StochasticDepth(dropPath)
  }

  forward(x: Tensor): Tensor {
    const inner = this.bn1.forward(this.conv1.forward(x)).relu_()
    const outer = this.bn2.forward(this.conv2.forward(inner))
    return this.drop_path
      .forward(outer)
      .add_(this.downsample?.forward(x) ?? x)
      .relu_()
  }
}

/** 1x1 down, 3x3, 1x1 up to four times the width. */
class Bottleneck extends nn.Module {
  static readonly expansion = 4
  readonly conv1: AnyConv
  readonly bn1: nn.BatchNorm
  readonly conv2: AnyConv
  readonly bn2: nn.BatchNorm
  readonly conv3: AnyConv
  readonly bn3: nn.BatchNorm
  readonly downsample: nn.Module | null
  readonly drop_path: nn.StochasticDepth

  constructor(layers: Layers, settings: BlockSettings) {
    super()
    const { from, width, stride, dropPath } = settings
    const to = width * Bottleneck.expansion
    this.conv1 = conv1(layers, from, width)
    this.bn1 = new layers.BatchNorm(width)
    this.conv2 = conv3(layers, width, width, stride)
    this.bn2 = new layers.BatchNorm(width)
    this.conv3 = conv1(layers, width, to)
    this.bn3 = new layers.BatchNorm(to)
    this.downsample = shortcutOf(layers, to, settings)
    this.drop_path = new nn.StochasticDepth(dropPath)
  }

  forward(x: Tensor): Tensor {
    const narrow = this.bn1.forward(this.conv1.forward(x)).relu_()
    const seen = this.bn2.forward(this.conv2.forward(narrow)).relu_()
    const wide = this.bn3.forward(this.conv3.forward(seen))
    return this.drop_path
      .forward(wide)
      .add_(this.downsample?.forward(x) ?? x)
      .relu_()
  }
}

const resnetOptions = z.strictObject({
  ...depthAndDropout.shape,
  /** Where a block changes size or channels: a convolution (option B of the paper), or nothing to learn (option A). */
  shortcut: z.enum(['convolution', 'padding']).default('convolution'),
})

type ResNetOptions = z.infer<typeof resnetOptions>

type Block = typeof BasicBlock | typeof Bottleneck

const WIDTHS = [64, 128, 256, 512] as const

interface Shape {
  block: Block
  blocks: readonly number[]
  dims?: 2 | 3
}

class ResNet extends Backbone {
  readonly conv1: AnyConv
  readonly bn1: nn.BatchNorm
  readonly layer1: nn.Sequential
  readonly layer2: nn.Sequential
  readonly layer3: nn.Sequential
  readonly layer4: nn.Sequential
  override readonly stageChannels: readonly number[]
  override readonly featureChannels: number
  override readonly reduction = 32
  override readonly stem = 'conv1.weight'
  override readonly dims: 2 | 3
  readonly #pool: nn.Module
  readonly #dropout: number

  constructor(
    { inChannels }: BackboneSettings,
    { dropout, drop_path: dropPath, shortcut }: ResNetOptions,
    { block, blocks, dims = 2 }: Shape,
  ) {
    super()
    const layers = layersOf[dims]
    this.dims = dims
    this.conv1 = new layers.Conv(inChannels, WIDTHS[0], 7, { stride: 2, padding: 3, bias: false })
    this.bn1 = new layers.BatchNorm(WIDTHS[0])
    this.#pool = new layers.MaxPool(3, { stride: 2, padding: 1 })
    let channels: number = WIDTHS[0]
    const total = blocks.reduce((sum, count) => sum + count, 0)
    let before = 0
    const stages = WIDTHS.map((width, stage) => {
      const modules = Array.from({ length: blocks[stage] }, (_, i) => {
        const made = new block(layers, {
          ...{ from: channels, width, stride: i === 0 && stage > 0 ? 2 : 1, shortcut },
          dropPath: dropPathAt(dropPath ?? 0, before++, total),
        })
        channels = width * block.expansion
        return made
      })
      return new nn.Sequential(modules)
    })
    ;[this.layer1, this.layer2, this.layer3, this.layer4] = stages
    this.stageChannels = WIDTHS.map((width) => width * block.expansion)
    this.featureChannels = channels
    this.#dropout = dropout ?? 0
    initialiseConvolutions(this)
  }

  forward(pixels: Tensor): Features {
    let x = this.#pool.forward(this.bn1.forward(this.conv1.forward(pixels)).relu_())
    const stages: Tensor[] = []
    for (const layer of [this.layer1, this.layer2, this.layer3, this.layer4])
      stages.push((x = layer.forward(x)))
    return { map: x, stages, token: null }
  }

  publishedClassifier(labels: number): PooledLinear {
    return new PooledLinear('fc', this.featureChannels, labels, this.#dropout)
  }
}

const resnet = (shape: Shape) =>
  defineBackbone({
    paper: 'He et al., Deep Residual Learning for Image Recognition, CVPR 2016',
    options: resnetOptions,
    dims: shape.dims ?? 2,
    make: (settings, options) => new ResNet(settings, options, shape),
  })

export const resnet18 = resnet({ block: BasicBlock, blocks: [2, 2, 2, 2] })
export const resnet34 = resnet({ block: BasicBlock, blocks: [3, 4, 6, 3] })
export const resnet50 = resnet({ block: Bottleneck, blocks: [3, 4, 6, 3] })
export const resnet101 = resnet({ block: Bottleneck, blocks: [3, 4, 23, 3] })
export const resnet3d18 = resnet({ block: BasicBlock, blocks: [2, 2, 2, 2], dims: 3 })
export const resnet3d50 = resnet({ block: Bottleneck, blocks: [3, 4, 6, 3], dims: 3 })
