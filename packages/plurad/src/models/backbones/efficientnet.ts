/**
 * EfficientNet B0 to B4 (Tan and Le, ICML 2019, arXiv:1905.11946): inverted residuals with squeeze-and-excitation, widened
 * and deepened together. Layout and parameter names are torchvision's.
 */
import { nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, depthAndDropout, type PublishedDropout, type StochasticDepth } from '../define.js'
import { convNorm, initialiseConvolutions, roundWidth, runStages, SqueezeExcitation } from '../layers.js'
import { DropoutLinear } from '../published.js'

const silu = (): nn.Module => new nn.SiLU()

/** [widening, kernel, stride of the first, channels, blocks] of B0 */
const STAGES = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const

const FIRST = 32
const DROP_PATH = 0.2

class MobileBlock extends nn.Module {
  readonly block: nn.Sequential
  readonly #dropPath: nn.StochasticDepth
  readonly #adds: boolean

  constructor(
    from: number,
    to: number,
    {
      kernel,
      stride,
      widening,
      dropPath,
    }: { kernel: number; stride: number; widening: number; dropPath: number },
  ) {
    super()
    const wide = roundWidth(from * widening)
    this.block = new nn.Sequential([
      ...(wide === from ? [] : [convNorm(from, wide, 1, { activation: silu })]),
      convNorm(wide, wide, kernel, { stride, groups: wide, activation: silu }),
      new SqueezeExcitation(wide, Math.max(1, Math.floor(from / 4)), new nn.SiLU(), new nn.Sigmoid()),
      convNorm(wide, to, 1, { activation: null }),
    ])
    this.#dropPath = new nn.StochasticDepth(dropPath)
    this.#adds = stride === 1 && from === to
  }

  /** The dropping of branches has no parameters, but has to know whether it trains. */
  override *namedChildren(): Generator<[string, nn.AnyModule]> {
    yield ['block', this.block]
    yield ['stochastic_depth', this.#dropPath]
  }

  forward(x: Tensor): Tensor {
    const out = this.block.forward(x)
    return this.#adds ? this.#dropPath.forward(out).add(x) : out
  }
}

class EfficientNet extends Backbone {
  readonly features: nn.Sequential
  override readonly featureChannels: number
  override readonly stageChannels: readonly number[]
  override readonly reduction = 32
  override readonly stem = 'features.0.0.weight'
  readonly #ends: readonly number[]
  readonly #dropout: number

  constructor(
    { inChannels }: BackboneSettings,
    options: StochasticDepth & PublishedDropout,
    { width, depth, dropout }: { width: number; depth: number; dropout: number },
  ) {
    super()
    const stages = STAGES.map(([widening, kernel, stride, channels, blocks]) => ({
      widening,
      kernel,
      stride,
      channels: roundWidth(channels * width),
      blocks: Math.ceil(blocks * depth),
    }))
    const total = stages.reduce((sum, { blocks }) => sum + blocks, 0)
    let channels = roundWidth(FIRST * width)
    const modules: nn.Module[] = [convNorm(inChannels, channels, 3, { stride: 2, activation: silu })]
    const ends: number[] = []
    const stageChannels: number[] = []
    let block = 0
    for (const stage of stages) {
      if (stage.stride === 2) {
        ends.push(modules.length - 1)
        stageChannels.push(channels)
      }
      modules.push(
        new nn.Sequential(
          Array.from({ length: stage.blocks }, (_, i) => {
            const made = new MobileBlock(channels, stage.channels, {
              ...stage,
              stride: i === 0 ? stage.stride : 1,
              dropPath: ((options.drop_path ?? DROP_PATH) * block++) / total,
            })
            channels = stage.channels
            return made
          }),
        ),
      )
    }
    this.featureChannels = 4 * channels
    this.#ends = [
      ...ends,
      modules.push(convNorm(channels, this.featureChannels, 1, { activation: silu })) - 1,
    ]
    this.features = new nn.Sequential(modules)
    this.stageChannels = [...stageChannels, this.featureChannels]
    this.#dropout = options.dropout ?? dropout
    initialiseConvolutions(this)
  }

  forward(pixels: Tensor): Features {
    const stages = runStages(this.features, pixels, this.#ends)
    return { map: stages[stages.length - 1], stages, token: null }
  }

  publishedClassifier(labels: number): DropoutLinear {
    return new DropoutLinear(this.featureChannels, labels, this.#dropout)
  }
}

const efficientnet = (width: number, depth: number, dropout: number) =>
  defineBackbone({
    paper: 'Tan and Le, EfficientNet, ICML 2019',
    options: depthAndDropout,
    make: (settings, options) => new EfficientNet(settings, options, { width, depth, dropout }),
  })

export const efficientnetB0 = efficientnet(1, 1, 0.2)
export const efficientnetB1 = efficientnet(1, 1.1, 0.2)
export const efficientnetB2 = efficientnet(1.1, 1.2, 0.3)
export const efficientnetB3 = efficientnet(1.2, 1.4, 0.3)
export const efficientnetB4 = efficientnet(1.4, 1.8, 0.4)
