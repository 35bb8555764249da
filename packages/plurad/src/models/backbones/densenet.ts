/**
 * DenseNet (Huang et al., CVPR 2017, arXiv:1608.06993). Every layer sees the outputs of all layers before it in its
 * block. Layout and parameter names are torchvision's, so that its checkpoints load by key; over three dimensions it is
 * MONAI's network, whose names are translated when a checkpoint is read.
 */
import { cat, nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, publishedDropout, type PublishedDropout } from '../define.js'
import { layersOf, type Layers } from '../layers.js'
import { PooledLinear } from '../published.js'

interface Shape {
  dims?: 2 | 3
  growthRate: number
  blocks: readonly number[]
  initialFeatures: number
}

const BOTTLENECK = 4

/** One layer: 1x1 bottleneck, then 3x3, each after batch norm and ReLU; gives `growthRate` new channels. */
class DenseLayer extends nn.Module<[readonly Tensor[]]> {
  readonly norm1: nn.BatchNorm
  readonly conv1: nn.Conv2d | nn.Conv3d
  readonly norm2: nn.BatchNorm
  readonly conv2: nn.Conv2d | nn.Conv3d

  constructor({ Conv, BatchNorm }: Layers, inChannels: number, growthRate: number) {
    super()
    this.norm1 = new BatchNorm(inChannels)
    this.conv1 = new Conv(inChannels, BOTTLENECK * growthRate, 1, { bias: false })
    this.norm2 = new BatchNorm(BOTTLENECK * growthRate)
    this.conv2 = new Conv(BOTTLENECK * growthRate, growthRate, 3, { padding: 1, bias: false })
  }

  forward(features: readonly Tensor[]): Tensor {
    const bottleneck = this.conv1.forward(this.norm1.forward(cat(features, 1)).relu_())
    return this.conv2.forward(this.norm2.forward(bottleneck).relu_())
  }
}

class DenseBlock extends nn.Module {
  readonly #layers: readonly DenseLayer[]

  constructor(parts: Layers, layers: number, inChannels: number, growthRate: number) {
    super()
    this.#layers = Array.from(
      { length: layers },
      (_, i) => new DenseLayer(parts, inChannels + i * growthRate, growthRate),
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
  readonly norm: nn.BatchNorm
  readonly conv: nn.Conv2d | nn.Conv3d
  readonly #pool: nn.Module

  constructor({ Conv, BatchNorm, AvgPool }: Layers, inChannels: number, outChannels: number) {
    super()
    this.#pool = new AvgPool(2)
    this.norm = new BatchNorm(inChannels)
    this.conv = new Conv(inChannels, outChannels, 1, { bias: false })
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
  override readonly dims: 2 | 3
  readonly #dropout: number

  constructor(
    { inChannels }: BackboneSettings,
    { dropout }: PublishedDropout,
    { growthRate, blocks, initialFeatures, dims = 2 }: Shape,
  ) {
    super()
    this.#dropout = dropout ?? 0
    this.dims = dims
    const layers = layersOf[dims]
    const { Conv, BatchNorm, MaxPool } = layers
    const modules: Record<string, nn.Module> = {
      conv0: new Conv(inChannels, initialFeatures, 7, { stride: 2, padding: 3, bias: false }),
      norm0: new BatchNorm(initialFeatures),
      relu0: new nn.ReLU(true),
      pool0: new MaxPool(3, { stride: 2, padding: 1 }),
    }
    let channels = initialFeatures
    const stageChannels: number[] = []
    blocks.forEach((count, i) => {
      modules[`denseblock${i + 1}`] = new DenseBlock(layers, count, channels, growthRate)
      channels += count * growthRate
      stageChannels.push(channels)
      if (i < blocks.length - 1) {
        modules[`transition${i + 1}`] = new Transition(layers, channels, channels / 2)
        channels /= 2
      }
    })
    modules['norm5'] = new BatchNorm(channels)
    this.features = new nn.Sequential(modules)
    this.featureChannels = channels
    this.stageChannels = stageChannels
    for (const [, module] of this.namedModules()) {
      if (module instanceof nn.Conv) nn.init.kaimingNormal_(module.weight)
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

const densenet = (blocks: readonly number[], dims: 2 | 3 = 2) =>
  defineBackbone({
    paper: 'Huang et al., Densely Connected Convolutional Networks, CVPR 2017',
    options: publishedDropout,
    dims,
    make: (settings, options) =>
      new DenseNet(settings, options, { growthRate: 32, blocks, initialFeatures: 64, dims }),
  })

export const densenet121 = densenet([6, 12, 24, 16])
export const densenet169 = densenet([6, 12, 32, 32])
export const densenet201 = densenet([6, 12, 48, 32])
export const densenet3d121 = densenet([6, 12, 24, 16], 3)
