/**
 * ResNet (He et al., CVPR 2016, arXiv:1512.03385): blocks that add to what they are given. Layout and parameter names are
 * torchvision's (stride in the 3x3 convolution), so that its checkpoints load by key.
 */
import { nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { commonOptions, defineBackbone, type CommonOptions } from '../define.js'
import { initialiseConvolutions } from '../layers.js'
import { PooledLinear } from '../published.js'

const conv3x3 = (from: number, to: number, stride = 1): nn.Conv2d =>
  new nn.Conv2d(from, to, 3, { stride, padding: 1, bias: false })
const conv1x1 = (from: number, to: number, stride = 1): nn.Conv2d =>
  new nn.Conv2d(from, to, 1, { stride, bias: false })

/** 1x1 convolution and norm where a block changes size or channels. */
const shortcut = (from: number, to: number, stride: number): nn.Sequential | null =>
  stride === 1 && from === to ? null : new nn.Sequential([conv1x1(from, to, stride), new nn.BatchNorm2d(to)])

/** Two 3x3 convolutions. */
class BasicBlock extends nn.Module {
  static readonly expansion = 1
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly conv2: nn.Conv2d
  readonly bn2: nn.BatchNorm2d
  readonly downsample: nn.Sequential | null

  constructor(from: number, width: number, stride: number) {
    super()
    this.conv1 = conv3x3(from, width, stride)
    this.bn1 = new nn.BatchNorm2d(width)
    this.conv2 = conv3x3(width, width)
    this.bn2 = new nn.BatchNorm2d(width)
    this.downsample = shortcut(from, width, stride)
  }

  forward(x: Tensor): Tensor {
    const inner = this.bn1.forward(this.conv1.forward(x)).relu_()
    const outer = this.bn2.forward(this.conv2.forward(inner))
    return outer.add_(this.downsample?.forward(x) ?? x).relu_()
  }
}

/** 1x1 down, 3x3, 1x1 up to four times the width. */
class Bottleneck extends nn.Module {
  static readonly expansion = 4
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly conv2: nn.Conv2d
  readonly bn2: nn.BatchNorm2d
  readonly conv3: nn.Conv2d
  readonly bn3: nn.BatchNorm2d
  readonly downsample: nn.Sequential | null

  constructor(from: number, width: number, stride: number) {
    super()
    const to = width * Bottleneck.expansion
    this.conv1 = conv1x1(from, width)
    this.bn1 = new nn.BatchNorm2d(width)
    this.conv2 = conv3x3(width, width, stride)
    this.bn2 = new nn.BatchNorm2d(width)
    this.conv3 = conv1x1(width, to)
    this.bn3 = new nn.BatchNorm2d(to)
    this.downsample = shortcut(from, to, stride)
  }

  forward(x: Tensor): Tensor {
    const narrow = this.bn1.forward(this.conv1.forward(x)).relu_()
    const seen = this.bn2.forward(this.conv2.forward(narrow)).relu_()
    const wide = this.bn3.forward(this.conv3.forward(seen))
    return wide.add_(this.downsample?.forward(x) ?? x).relu_()
  }
}

type Block = typeof BasicBlock | typeof Bottleneck

const WIDTHS = [64, 128, 256, 512] as const

class ResNet extends Backbone {
  readonly conv1: nn.Conv2d
  readonly bn1 = new nn.BatchNorm2d(WIDTHS[0])
  readonly layer1: nn.Sequential
  readonly layer2: nn.Sequential
  readonly layer3: nn.Sequential
  readonly layer4: nn.Sequential
  override readonly stageChannels: readonly number[]
  override readonly featureChannels: number
  override readonly reduction = 32
  override readonly stem = 'conv1.weight'
  readonly #pool = new nn.MaxPool2d(3, { stride: 2, padding: 1 })
  readonly #dropout: number

  constructor(
    { inChannels }: BackboneSettings,
    { dropout }: CommonOptions,
    block: Block,
    blocks: readonly number[],
  ) {
    super()
    this.conv1 = new nn.Conv2d(inChannels, WIDTHS[0], 7, { stride: 2, padding: 3, bias: false })
    let channels: number = WIDTHS[0]
    const stages = WIDTHS.map((width, stage) => {
      const modules = Array.from({ length: blocks[stage] }, (_, i) => {
        const made = new block(channels, width, i === 0 && stage > 0 ? 2 : 1)
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

const resnet = (block: Block, blocks: readonly number[]) =>
  defineBackbone({
    paper: 'He et al., Deep Residual Learning for Image Recognition, CVPR 2016',
    options: commonOptions,
    make: (settings, options) => new ResNet(settings, options, block, blocks),
  })

export const resnet18 = resnet(BasicBlock, [2, 2, 2, 2])
export const resnet34 = resnet(BasicBlock, [3, 4, 6, 3])
export const resnet50 = resnet(Bottleneck, [3, 4, 6, 3])
export const resnet101 = resnet(Bottleneck, [3, 4, 23, 3])
