/**
 * DenseNet (Huang et al., CVPR 2017, arXiv:1608.06993). Every layer sees the outputs of all layers before it in its
 * block. Layout and parameter names are torchvision's, so that its checkpoints load by key.
 */
import { cat, nn, type Tensor } from '@plurad/torch'
import { Backbone } from '../backbone.js'

interface Settings {
  growthRate: number
  blocks: readonly number[]
  initialFeatures: number
}

const BOTTLENECK = 4

/** One layer: 1x1 bottleneck, then 3x3, each after batch norm and ReLU; gives `growthRate` new channels. */
class DenseLayer extends nn.Module<[readonly Tensor[]]> {
  readonly norm1: nn.BatchNorm2d
  readonly conv1: nn.Conv2d
  readonly norm2: nn.BatchNorm2d
  readonly conv2: nn.Conv2d

  constructor(inChannels: number, growthRate: number) {
    super()
    this.norm1 = new nn.BatchNorm2d(inChannels)
    this.conv1 = new nn.Conv2d(inChannels, BOTTLENECK * growthRate, 1, { bias: false })
    this.norm2 = new nn.BatchNorm2d(BOTTLENECK * growthRate)
    this.conv2 = new nn.Conv2d(BOTTLENECK * growthRate, growthRate, 3, { padding: 1, bias: false })
  }

  forward(features: readonly Tensor[]): Tensor {
    const bottleneck = this.conv1.forward(this.norm1.forward(cat(features, 1)).relu_())
    return this.conv2.forward(this.norm2.forward(bottleneck).relu_())
  }
}

class DenseBlock extends nn.Module {
  readonly #layers: readonly DenseLayer[]

  constructor(layers: number, inChannels: number, growthRate: number) {
    super()
    this.#layers = Array.from(
      { length: layers },
      (_, i) => new DenseLayer(inChannels + i * growthRate, growthRate),
    )
  }

  override *namedChildren(): Generator<[string, nn.AnyModule]> {
    for (const [i, layer] of this.#layers.entries()) {
      yield [`denselayer${i + 1}`, layer]
    }
  }

  forward(x: Tensor): Tensor {
    const features = [x]
    for (const layer of this.#layers) features.push(layer.forward(features))
    return cat(features, 1)
  }
}

/** Between blocks: halves channels and size. */
class Transition extends nn.Module {
  readonly norm: nn.BatchNorm2d
  readonly conv: nn.Conv2d
  readonly #pool = new nn.AvgPool2d(2)

  constructor(inChannels: number, outChannels: number) {
    super()
    this.norm = new nn.BatchNorm2d(inChannels)
    this.conv = new nn.Conv2d(inChannels, outChannels, 1, { bias: false })
  }

  forward(x: Tensor): Tensor {
    return this.#pool.forward(this.conv.forward(this.norm.forward(x).relu_()))
  }
}

class DenseNet extends Backbone {
  readonly features: nn.Sequential
  override readonly featureChannels: number
  override readonly reduction = 32

  constructor(inChannels: number, { growthRate, blocks, initialFeatures }: Settings) {
    super()
    const modules: Record<string, nn.Module> = {
      conv0: new nn.Conv2d(inChannels, initialFeatures, 7, { stride: 2, padding: 3, bias: false }),
      norm0: new nn.BatchNorm2d(initialFeatures),
      relu0: new nn.ReLU(true),
      pool0: new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
    }
    let channels = initialFeatures
    blocks.forEach((layers, i) => {
      modules[`denseblock${i + 1}`] = new DenseBlock(layers, channels, growthRate)
      channels += layers * growthRate
      if (i < blocks.length - 1) {
        modules[`transition${i + 1}`] = new Transition(channels, channels / 2)
        channels /= 2
      }
    })
    modules['norm5'] = new nn.BatchNorm2d(channels)
    this.features = new nn.Sequential(modules)
    this.featureChannels = channels
    for (const [, module] of this.namedModules()) {
      if (module instanceof nn.Conv2d) nn.init.kaimingNormal_(module.weight)
    }
  }

  /** Pixels [N, inChannels, H, W] -> feature map [N, featureChannels, H/32, W/32], not negative. */
  forward(pixels: Tensor): Tensor {
    return this.features.forward(pixels).relu_()
  }
}

export const densenet121 = (inChannels: number): DenseNet =>
  new DenseNet(inChannels, { growthRate: 32, blocks: [6, 12, 24, 16], initialFeatures: 64 })
export const densenet169 = (inChannels: number): DenseNet =>
  new DenseNet(inChannels, { growthRate: 32, blocks: [6, 12, 32, 32], initialFeatures: 64 })
export const densenet201 = (inChannels: number): DenseNet =>
  new DenseNet(inChannels, { growthRate: 32, blocks: [6, 12, 48, 32], initialFeatures: 64 })
