/**
 * Inception-V3 (Szegedy et al., CVPR 2016, arXiv:1512.00567). Layout and parameter names are torchvision's, with the
 * auxiliary classifier in the published head. Convolutions without padding: 299 pixels become 8 positions.
 */
import { nn, type Tensor } from '@plurad/torch'
import { Backbone, type BackboneSettings, type Features, type PublishedOutput } from '../backbone.js'
import { defineBackbone, publishedDropout, type PublishedDropout } from '../define.js'
import { averagePool } from '../layers.js'
import { averagePool3, BasicConv2d, Branches, halving, maxPool3, same, type Step } from './inception-parts.js'

const A = (from: number, pooled: number): Branches =>
  new Branches([
    [['branch1x1', same(from, 64, 1)]],
    [
      ['branch5x5_1', same(from, 48, 1)],
      ['branch5x5_2', same(48, 64, 5)],
    ],
    [
      ['branch3x3dbl_1', same(from, 64, 1)],
      ['branch3x3dbl_2', same(64, 96, 3)],
      ['branch3x3dbl_3', same(96, 96, 3)],
    ],
    [
      [null, averagePool3()],
      ['branch_pool', same(from, pooled, 1)],
    ],
  ])

const B = (from: number): Branches =>
  new Branches([
    [['branch3x3', halving(from, 384)]],
    [
      ['branch3x3dbl_1', same(from, 64, 1)],
      ['branch3x3dbl_2', same(64, 96, 3)],
      ['branch3x3dbl_3', halving(96, 96)],
    ],
    [[null, maxPool3()]],
  ])

const C = (from: number, width: number): Branches =>
  new Branches([
    [['branch1x1', same(from, 192, 1)]],
    [
      ['branch7x7_1', same(from, width, 1)],
      ['branch7x7_2', same(width, width, [1, 7])],
      ['branch7x7_3', same(width, 192, [7, 1])],
    ],
    [
      ['branch7x7dbl_1', same(from, width, 1)],
      ['branch7x7dbl_2', same(width, width, [7, 1])],
      ['branch7x7dbl_3', same(width, width, [1, 7])],
      ['branch7x7dbl_4', same(width, width, [7, 1])],
      ['branch7x7dbl_5', same(width, 192, [1, 7])],
    ],
    [
      [null, averagePool3()],
      ['branch_pool', same(from, 192, 1)],
    ],
  ])

const D = (from: number): Branches =>
  new Branches([
    [
      ['branch3x3_1', same(from, 192, 1)],
      ['branch3x3_2', halving(192, 320)],
    ],
    [
      ['branch7x7x3_1', same(from, 192, 1)],
      ['branch7x7x3_2', same(192, 192, [1, 7])],
      ['branch7x7x3_3', same(192, 192, [7, 1])],
      ['branch7x7x3_4', halving(192, 192)],
    ],
    [[null, maxPool3()]],
  ])

const fork = (name: string): Step => [
  [`${name}a`, same(384, 384, [1, 3])],
  [`${name}b`, same(384, 384, [3, 1])],
]

const E = (from: number): Branches =>
  new Branches([
    [['branch1x1', same(from, 320, 1)]],
    [['branch3x3_1', same(from, 384, 1)], fork('branch3x3_2')],
    [['branch3x3dbl_1', same(from, 448, 1)], ['branch3x3dbl_2', same(448, 384, 3)], fork('branch3x3dbl_3')],
    [
      [null, averagePool3()],
      ['branch_pool', same(from, 192, 1)],
    ],
  ])

class InceptionV3 extends Backbone {
  readonly Conv2d_1a_3x3: BasicConv2d
  readonly Conv2d_2a_3x3 = new BasicConv2d(32, 32, { kernel: 3 })
  readonly Conv2d_2b_3x3 = same(32, 64, 3)
  readonly Conv2d_3b_1x1 = same(64, 80, 1)
  readonly Conv2d_4a_3x3 = new BasicConv2d(80, 192, { kernel: 3 })
  readonly Mixed_5b = A(192, 32)
  readonly Mixed_5c = A(256, 64)
  readonly Mixed_5d = A(288, 64)
  readonly Mixed_6a = B(288)
  readonly Mixed_6b = C(768, 128)
  readonly Mixed_6c = C(768, 160)
  readonly Mixed_6d = C(768, 160)
  readonly Mixed_6e = C(768, 192)
  readonly Mixed_7a = D(768)
  readonly Mixed_7b = E(1280)
  readonly Mixed_7c = E(2048)
  override readonly featureChannels = 2048
  override readonly stageChannels: readonly number[] = [64, 192, 288, 768, 2048]
  override readonly reduction = 32
  override readonly stem = 'Conv2d_1a_3x3.conv.weight'
  readonly #pool = maxPool3()
  readonly #dropout: number

  constructor({ inChannels }: BackboneSettings, { dropout }: PublishedDropout) {
    super()
    this.Conv2d_1a_3x3 = halving(inChannels, 32)
    this.#dropout = dropout ?? 0.5
  }

  forward(pixels: Tensor): Features {
    const stages: Tensor[] = []
    const through = (x: Tensor, ...modules: nn.Module[]): Tensor => {
      const out = modules.reduce((y, module) => module.forward(y), x)
      stages.push(out)
      return out
    }
    const pool = (x: Tensor): Tensor => this.#pool.forward(x)
    const half = through(pixels, this.Conv2d_1a_3x3, this.Conv2d_2a_3x3, this.Conv2d_2b_3x3)
    const quarter = through(pool(half), this.Conv2d_3b_1x1, this.Conv2d_4a_3x3)
    const eighth = through(pool(quarter), this.Mixed_5b, this.Mixed_5c, this.Mixed_5d)
    const { Mixed_6a, Mixed_6b, Mixed_6c, Mixed_6d, Mixed_6e } = this
    const sixteenth = through(eighth, Mixed_6a, Mixed_6b, Mixed_6c, Mixed_6d, Mixed_6e)
    const map = through(sixteenth, this.Mixed_7a, this.Mixed_7b, this.Mixed_7c)
    return { map, stages, token: null }
  }

  publishedClassifier(labels: number): InceptionClassifier {
    return new InceptionClassifier(labels, this.#dropout)
  }
}

/** The smallest map that the auxiliary classifier takes; 299 pixels give it. */
const AUXILIARY_SIDE = 17

/** Linear on the pooled map, and on the 768 channels before it while training (where the map is large enough). */
class InceptionClassifier extends nn.Module<[Features], PublishedOutput> {
  readonly AuxLogits: AuxiliaryClassifier
  readonly fc: nn.Linear
  readonly dropout: nn.Dropout

  constructor(labels: number, dropout: number) {
    super()
    this.AuxLogits = new AuxiliaryClassifier(768, labels)
    this.fc = new nn.Linear(2048, labels)
    nn.init.truncatedNormal_(this.fc.weight, 0.1)
    this.dropout = new nn.Dropout(dropout)
  }

  forward({ map, stages }: Features): PublishedOutput {
    const logits = this.fc.forward(this.dropout.forward(averagePool(map)))
    const before = stages[3]
    if (!this.training || Math.min(before.size(2), before.size(3)) < AUXILIARY_SIDE) return { logits }
    return { logits, branches: [{ name: 'auxiliary', logits: this.AuxLogits.forward(before), weight: 0.4 }] }
  }
}

class AuxiliaryClassifier extends nn.Module {
  readonly conv0: BasicConv2d
  readonly conv1: BasicConv2d
  readonly fc: nn.Linear

  constructor(from: number, labels: number) {
    super()
    this.conv0 = same(from, 128, 1)
    this.conv1 = new BasicConv2d(128, 768, { kernel: 5 })
    nn.init.truncatedNormal_(this.conv1.conv.weight, 0.01)
    this.fc = new nn.Linear(768, labels)
    nn.init.truncatedNormal_(this.fc.weight, 0.001)
  }

  forward(x: Tensor): Tensor {
    const pooled = new nn.AvgPool2d(5, { stride: 3 }).forward(x)
    return this.fc.forward(averagePool(this.conv1.forward(this.conv0.forward(pooled))))
  }
}

export const inceptionV3 = defineBackbone({
  paper: 'Szegedy et al., Rethinking the Inception Architecture, CVPR 2016',
  options: publishedDropout,
  smallest: 75,
  make: (settings, options) => new InceptionV3(settings, options),
})
