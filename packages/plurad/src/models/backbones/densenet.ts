/**
 * DenseNet (Huang et al., CVPR 2017, arXiv:1608.06993). Every layer sees the outputs of all layers before it in its
 * block. Layout and parameter names are torchvision's, so that its checkpoints load by key.
 */
import { cat, nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { commonOptions, defineBackbone, type CommonOptions } from '../define.js'
import { PooledLinear } from '../published.js'

interface Shape {
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
  override readonly stageChannels: readonly number[]
  override readonly reduction = 32
  override readonly stem = 'features.conv0.weight'
  readonly #dropout: number

  constructor(
    { inChannels }: BackboneSettings,
    { dropout }: CommonOptions,
    { growthRate, blocks, initialFeatures }: Shape,
  ) {
    super()
    this.#dropout = dropout ?? 0
    const modules: Record<string, nn.Module> = {
      conv0: new nn.Conv2d(inChannels, initialFeatures, 7, { stride: 2, padding: 3, bias: false }),
      norm0: new nn.BatchNorm2d(initialFeatures),
      relu0: new nn.ReLU(true),
      pool0: new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
    }
    let channels = initialFeatures
    const stageChannels: number[] = []
    blocks.forEach((layers, i) => {
      modules[`denseblock${i + 1}`] = new DenseBlock(layers, channels, growthRate)
      channels += layers * growthRate
      stageChannels.push(channels)
      if (i < blocks.length - 1) {
        modules[`transition${i + 1}`] = new Transition(channels, channels / 2)
        channels /= 2
      }
    })
    modules['norm5'] = new nn.BatchNorm2d(channels)
    this.features = new nn.Sequential(modules)
    this.featureChannels = channels
    this.stageChannels = stageChannels
    for (const [, module] of this.namedModules()) {
      if (module instanceof nn.Conv2d) nn.init.kaimingNormal_(module.weight)
    }
  }

  /** The last map is normalised and not negative. */
  forward(pixels: Tensor): Features {
    const stages: Tensor[] = []
    let x = pixels
    for (const [name, module] of this.features.namedChildren()) {
      x = (module as nn.Module).forward(x)
      if (name.startsWith('denseblock')) stages.push(x)
    }
    const map = x.relu_()
    return { map, stages: [...stages.slice(0, -1), map], token: null }
  }

  publishedClassifier(labels: number): PooledLinear {
    return new PooledLinear('classifier', this.featureChannels, labels, this.#dropout)
  }
}

const densenet = (blocks: readonly number[]) =>
  defineBackbone({
    paper: 'Huang et al., Densely Connected Convolutional Networks, CVPR 2017',
    options: commonOptions,
    make: (settings, options) =>
      new DenseNet(settings, options, { growthRate: 32, blocks, initialFeatures: 64 }),
  })

export const densenet121 = densenet([6, 12, 24, 16])
export const densenet169 = densenet([6, 12, 32, 32])
export const densenet201 = densenet([6, 12, 48, 32])
