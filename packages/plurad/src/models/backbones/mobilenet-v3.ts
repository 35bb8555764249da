/**
 * MobileNet-V3, large and small (Howard et al., ICCV 2019, arXiv:1905.02244): inverted residuals with squeeze-and-excitation
 * and hard swish. Layout and parameter names are torchvision's.
 */
import { nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, publishedDropout, type PublishedDropout } from '../define.js'
import {
  averagePool,
  convNorm,
  initialiseConvolutions,
  roundWidth,
  runStages,
  SqueezeExcitation,
} from '../layers.js'

/** As TensorFlow, in which the network was trained, has them. */
const norm = { eps: 0.001, momentum: 0.01 }

const activations = {
  relu: () => new nn.ReLU(true),
  hardswish: () => new nn.Hardswish(),
}

/** [kernel, widened channels, channels, squeeze-and-excitation, activation, stride] */
type Row = readonly [number, number, number, boolean, keyof typeof activations, number]

const LARGE: readonly Row[] = [
  [3, 16, 16, false, 'relu', 1],
  [3, 64, 24, false, 'relu', 2],
  [3, 72, 24, false, 'relu', 1],
  [5, 72, 40, true, 'relu', 2],
  [5, 120, 40, true, 'relu', 1],
  [5, 120, 40, true, 'relu', 1],
  [3, 240, 80, false, 'hardswish', 2],
  [3, 200, 80, false, 'hardswish', 1],
  [3, 184, 80, false, 'hardswish', 1],
  [3, 184, 80, false, 'hardswish', 1],
  [3, 480, 112, true, 'hardswish', 1],
  [3, 672, 112, true, 'hardswish', 1],
  [5, 672, 160, true, 'hardswish', 2],
  [5, 960, 160, true, 'hardswish', 1],
  [5, 960, 160, true, 'hardswish', 1],
]

const SMALL: readonly Row[] = [
  [3, 16, 16, true, 'relu', 2],
  [3, 72, 24, false, 'relu', 2],
  [3, 88, 24, false, 'relu', 1],
  [5, 96, 40, true, 'hardswish', 2],
  [5, 240, 40, true, 'hardswish', 1],
  [5, 240, 40, true, 'hardswish', 1],
  [5, 120, 48, true, 'hardswish', 1],
  [5, 144, 48, true, 'hardswish', 1],
  [5, 288, 96, true, 'hardswish', 2],
  [5, 576, 96, true, 'hardswish', 1],
  [5, 576, 96, true, 'hardswish', 1],
]

const FIRST = 16

class InvertedResidual extends nn.Module {
  readonly block: nn.Sequential
  readonly #adds: boolean

  constructor(from: number, [kernel, wide, to, squeezes, name, stride]: Row) {
    super()
    const activation = activations[name]
    this.block = new nn.Sequential([
      ...(wide === from ? [] : [convNorm(from, wide, 1, { activation, norm })]),
      convNorm(wide, wide, kernel, { stride, groups: wide, activation, norm }),
      ...(squeezes
        ? [new SqueezeExcitation(wide, roundWidth(wide / 4), new nn.ReLU(), new nn.Hardsigmoid())]
        : []),
      convNorm(wide, to, 1, { activation: null, norm }),
    ])
    this.#adds = stride === 1 && from === to
  }

  forward(x: Tensor): Tensor {
    const out = this.block.forward(x)
    return this.#adds ? out.add_(x) : out
  }
}

class MobileNetV3 extends Backbone {
  readonly features: nn.Sequential
  override readonly featureChannels: number
  override readonly stageChannels: readonly number[]
  override readonly reduction = 32
  override readonly stem = 'features.0.0.weight'
  readonly #ends: readonly number[]
  readonly #hidden: number
  readonly #dropout: number

  constructor(
    { inChannels }: BackboneSettings,
    { dropout }: PublishedDropout,
    { rows, hidden }: { rows: readonly Row[]; hidden: number },
  ) {
    super()
    const activation = activations.hardswish
    const modules: nn.Module[] = [convNorm(inChannels, FIRST, 3, { stride: 2, activation, norm })]
    const ends: number[] = []
    const stageChannels: number[] = []
    let channels = FIRST
    for (const row of rows) {
      if (row[5] === 2) {
        ends.push(modules.length - 1)
        stageChannels.push(channels)
      }
      modules.push(new InvertedResidual(channels, row))
      channels = row[2]
    }
    this.featureChannels = 6 * channels
    this.#ends = [
      ...ends,
      modules.push(convNorm(channels, this.featureChannels, 1, { activation, norm })) - 1,
    ]
    this.features = new nn.Sequential(modules)
    this.stageChannels = [...stageChannels, this.featureChannels]
    this.#hidden = hidden
    this.#dropout = dropout ?? 0.2
    initialiseConvolutions(this)
  }

  forward(pixels: Tensor): Features {
    const stages = runStages(this.features, pixels, this.#ends)
    return { map: stages[stages.length - 1], stages, token: null }
  }

  publishedClassifier(labels: number): TwoLayers {
    return new TwoLayers(this.featureChannels, this.#hidden, labels, this.#dropout)
  }
}

/** Pooling and two linear layers with hard swish between them. */
class TwoLayers extends nn.Module<[Features], { logits: Tensor }> {
  readonly classifier: nn.Sequential

  constructor(channels: number, hidden: number, labels: number, dropout: number) {
    super()
    const layers = [new nn.Linear(channels, hidden), new nn.Linear(hidden, labels)] as const
    for (const { weight, bias } of layers) {
      nn.init.normal_(weight, 0, 0.01)
      if (bias) nn.init.constant_(bias, 0)
    }
    this.classifier = new nn.Sequential([layers[0], new nn.Hardswish(), new nn.Dropout(dropout), layers[1]])
  }

  forward({ map }: Features): { logits: Tensor } {
    return { logits: this.classifier.forward(averagePool(map)) }
  }
}

const mobilenetV3 = (rows: readonly Row[], hidden: number) =>
  defineBackbone({
    paper: 'Howard et al., Searching for MobileNetV3, ICCV 2019',
    options: publishedDropout,
    make: (settings, options) => new MobileNetV3(settings, options, { rows, hidden }),
  })

export const mobilenetV3Large = mobilenetV3(LARGE, 1280)
export const mobilenetV3Small = mobilenetV3(SMALL, 1024)
