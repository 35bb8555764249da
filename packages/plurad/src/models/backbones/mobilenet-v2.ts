/**
 * MobileNet-V2 (Sandler et al., CVPR 2018, arXiv:1801.04381): blocks that widen, filter each channel by itself, and narrow
 * again without an activation. Layout and parameter names are torchvision's.
 */
import { nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, publishedDropout, type PublishedDropout } from '../define.js'
import { convNorm, initialiseConvolutions, runStages } from '../layers.js'
import { DropoutLinear } from '../published.js'

const relu6 = (): nn.Module => new nn.ReLU6(true)

/** [widening, channels, blocks, stride of the first] */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const

const FIRST = 32
const LAST = 1280

class InvertedResidual extends nn.Module {
  readonly conv: nn.Sequential
  readonly #adds: boolean

  constructor(from: number, to: number, stride: number, widening: number) {
    super()
    const wide = from * widening
    this.conv = new nn.Sequential([
      ...(widening === 1 ? [] : [convNorm(from, wide, 1, { activation: relu6 })]),
      convNorm(wide, wide, 3, { stride, groups: wide, activation: relu6 }),
      new nn.Conv2d(wide, to, 1, { bias: false }),
      new nn.BatchNorm2d(to),
    ])
    this.#adds = stride === 1 && from === to
  }

  forward(x: Tensor): Tensor {
    const out = this.conv.forward(x)
    return this.#adds ? x.add(out) : out
  }
}

class MobileNetV2 extends Backbone {
  readonly features: nn.Sequential
  override readonly featureChannels = LAST
  override readonly stageChannels: readonly number[]
  override readonly reduction = 32
  override readonly stem = 'features.0.0.weight'
  /** Positions in `features` before the size halves, and the last. */
  readonly #ends: readonly number[]
  readonly #dropout: number

  constructor({ inChannels }: BackboneSettings, { dropout }: PublishedDropout) {
    super()
    const modules: nn.Module[] = [convNorm(inChannels, FIRST, 3, { stride: 2, activation: relu6 })]
    const ends: number[] = []
    const stageChannels: number[] = []
    let channels: number = FIRST
    for (const [widening, to, blocks, stride] of STAGES) {
      if (stride === 2) {
        ends.push(modules.length - 1)
        stageChannels.push(channels)
      }
      for (let i = 0; i < blocks; i++) {
        modules.push(new InvertedResidual(channels, to, i === 0 ? stride : 1, widening))
        channels = to
      }
    }
    this.#ends = [...ends, modules.push(convNorm(channels, LAST, 1, { activation: relu6 })) - 1]
    this.features = new nn.Sequential(modules)
    this.stageChannels = [...stageChannels, LAST]
    this.#dropout = dropout ?? 0.2
    initialiseConvolutions(this)
  }

  forward(pixels: Tensor): Features {
    const stages = runStages(this.features, pixels, this.#ends)
    return { map: stages[stages.length - 1], stages, token: null }
  }

  publishedClassifier(labels: number): DropoutLinear {
    return new DropoutLinear(LAST, labels, this.#dropout)
  }
}

export const mobilenetV2 = defineBackbone({
  paper: 'Sandler et al., MobileNetV2, CVPR 2018',
  options: publishedDropout,
  make: (settings, options) => new MobileNetV2(settings, options),
})
