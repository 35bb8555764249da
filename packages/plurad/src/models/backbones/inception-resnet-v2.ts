/**
 * Inception-ResNet-V2 (Szegedy et al., AAAI 2017, arXiv:1602.07261): Inception's branches, scaled down and added to what
 * they were given. Layout and parameter names are timm's.
 */
import { nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone, publishedDropout, type PublishedDropout } from '../define.js'
import { PooledLinear } from '../published.js'
import { BasicConv2d, Branches, halving, maxPool3, same, type Step } from './inception-parts.js'

/** A mean over the pixels that there are: Inception-V3 counts the padding's zeros, too. */
const averagePool3 = (): nn.Module => new nn.AvgPool2d(3, { stride: 1, padding: 1, countIncludePad: false })

/** Convolutions one after the other under `<branch>.0`, `<branch>.1` …; one alone under the branch's own name. */
function chain(branch: string, modules: readonly (nn.Module | null)[]): Step[] {
  const steps = modules.map((module): [string | null, nn.Module] => [null, module ?? averagePool3()])
  if (modules.length === 1) return [[branch, steps[0][1]]]
  return steps.map(([, module], i) => [modules[i] === null ? null : `${branch}.${i}`, module])
}

/** x + scale * convolution(branches), then ReLU except at the very end. */
class Residual extends nn.Module {
  readonly conv2d: nn.Conv2d
  readonly #branches: Branches
  readonly #scale: number
  readonly #relu: boolean

  constructor(
    channels: number,
    branches: readonly (readonly nn.Module[])[],
    { joined, scale, relu = true }: { joined: number; scale: number; relu?: boolean },
  ) {
    super()
    this.#branches = new Branches(branches.map((modules, i) => chain(`branch${i}`, modules)))
    this.conv2d = new nn.Conv2d(joined, channels, 1)
    this.#scale = scale
    this.#relu = relu
  }

  override *namedChildren(): Generator<[string, nn.AnyModule]> {
    yield* this.#branches.namedChildren()
    yield ['conv2d', this.conv2d]
  }

  forward(x: Tensor): Tensor {
    const out = this.conv2d.forward(this.#branches.forward(x)).mul(this.#scale).add_(x)
    return this.#relu ? out.relu_() : out
  }
}

const block35 = (): Residual =>
  new Residual(
    320,
    [
      [same(320, 32, 1)],
      [same(320, 32, 1), same(32, 32, 3)],
      [same(320, 32, 1), same(32, 48, 3), same(48, 64, 3)],
    ],
    { joined: 128, scale: 0.17 },
  )

const block17 = (): Residual =>
  new Residual(
    1088,
    [[same(1088, 192, 1)], [same(1088, 128, 1), same(128, 160, [1, 7]), same(160, 192, [7, 1])]],
    { joined: 384, scale: 0.1 },
  )

const block8 = (scale: number, relu = true): Residual =>
  new Residual(
    2080,
    [[same(2080, 192, 1)], [same(2080, 192, 1), same(192, 224, [1, 3]), same(224, 256, [3, 1])]],
    { joined: 448, scale, relu },
  )

const mixed5b = (): Branches =>
  new Branches([
    chain('branch0', [same(192, 96, 1)]),
    chain('branch1', [same(192, 48, 1), same(48, 64, 5)]),
    chain('branch2', [same(192, 64, 1), same(64, 96, 3), same(96, 96, 3)]),
    chain('branch3', [null, same(192, 64, 1)]),
  ])

const mixed6a = (): Branches =>
  new Branches([
    chain('branch0', [halving(320, 384)]),
    chain('branch1', [same(320, 256, 1), same(256, 256, 3), halving(256, 384)]),
    [[null, maxPool3()]],
  ])

const mixed7a = (): Branches =>
  new Branches([
    chain('branch0', [same(1088, 256, 1), halving(256, 384)]),
    chain('branch1', [same(1088, 256, 1), halving(256, 288)]),
    chain('branch2', [same(1088, 256, 1), same(256, 288, 3), halving(288, 320)]),
    [[null, maxPool3()]],
  ])

const repeated = (count: number, make: () => nn.Module): nn.Sequential =>
  new nn.Sequential(Array.from({ length: count }, make))

class InceptionResNetV2 extends Backbone {
  readonly conv2d_1a: BasicConv2d
  readonly conv2d_2a = new BasicConv2d(32, 32, { kernel: 3 })
  readonly conv2d_2b = same(32, 64, 3)
  readonly conv2d_3b = same(64, 80, 1)
  readonly conv2d_4a = new BasicConv2d(80, 192, { kernel: 3 })
  readonly mixed_5b = mixed5b()
  readonly repeat = repeated(10, block35)
  readonly mixed_6a = mixed6a()
  readonly repeat_1 = repeated(20, block17)
  readonly mixed_7a = mixed7a()
  readonly repeat_2 = repeated(9, () => block8(0.2))
  readonly block8 = block8(1, false)
  readonly conv2d_7b = same(2080, 1536, 1)
  override readonly featureChannels = 1536
  override readonly stageChannels: readonly number[] = [64, 192, 320, 1088, 1536]
  override readonly reduction = 32
  override readonly stem = 'conv2d_1a.conv.weight'
  readonly #pool = maxPool3()
  readonly #dropout: number

  constructor({ inChannels }: BackboneSettings, { dropout }: PublishedDropout) {
    super()
    this.conv2d_1a = halving(inChannels, 32)
    this.#dropout = dropout ?? 0
  }

  forward(pixels: Tensor): Features {
    const stages: Tensor[] = []
    const through = (x: Tensor, ...modules: nn.Module[]): Tensor => {
      const out = modules.reduce((y, module) => module.forward(y), x)
      stages.push(out)
      return out
    }
    const half = through(pixels, this.conv2d_1a, this.conv2d_2a, this.conv2d_2b)
    const quarter = through(this.#pool.forward(half), this.conv2d_3b, this.conv2d_4a)
    const eighth = through(this.#pool.forward(quarter), this.mixed_5b, this.repeat)
    const sixteenth = through(eighth, this.mixed_6a, this.repeat_1)
    const map = through(sixteenth, this.mixed_7a, this.repeat_2, this.block8, this.conv2d_7b)
    return { map, stages, token: null }
  }

  publishedClassifier(labels: number): PooledLinear {
    return new PooledLinear('classif', this.featureChannels, labels, this.#dropout)
  }
}

export const inceptionResnetV2 = defineBackbone({
  paper: 'Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections, AAAI 2017',
  options: publishedDropout,
  smallest: 75,
  make: (settings, options) => new InceptionResNetV2(settings, options),
})
