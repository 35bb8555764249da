/**
 * The networks of the Guita seed (a competition on magnetic resonance slices with three labels): a CNN of two or three
 * layers, a VGG of 14 or 21 layers, and a row-wise LSTM. The text gives layers, pooling, dense layers and the CNN's output
 * channels; kernels and the other widths are reconstructed: 3x3 convolutions, each with batch norm and ReLU; a CNN whose
 * widths double up to `out_channels`; a VGG of 13 (2-2-3-3-3) or 20 (4-4-4-4-4) convolutions and one dense layer.
 */
import { nn, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { Backbone, type BackboneSettings, type Features } from '../backbone.js'
import { defineBackbone } from '../define.js'
import { initialiseConvolutions } from '../layers.js'

const pooling = z.enum(['max', 'avg']).default('max')
const dense = z.union([z.literal(1), z.literal(2)]).default(1)

const poolOf = (name: 'max' | 'avg'): nn.Module =>
  name === 'max' ? new nn.MaxPool2d(2) : new nn.AvgPool2d(2)

/** Positions a side that dense layers see. */
const DENSE_SIDE = 7
const DENSE_HIDDEN = 128

/** Stages of convolutions, each halved by pooling. */
class PlainStages extends Backbone {
  readonly features: nn.Sequential
  override readonly featureChannels: number
  override readonly stageChannels: readonly number[]
  override readonly reduction: number
  override readonly stem = 'features.0.0.weight'
  readonly #dense: 1 | 2

  constructor(
    { inChannels }: BackboneSettings,
    {
      widths,
      convolutions,
      pool,
      denseLayers,
    }: {
      widths: readonly number[]
      convolutions: readonly number[]
      pool: 'max' | 'avg'
      denseLayers: 1 | 2
    },
  ) {
    super()
    this.features = new nn.Sequential(
      widths.map((width, stage) => {
        const layers = Array.from({ length: convolutions[stage] }, (_, i) => [
          new nn.Conv2d(i > 0 ? width : stage > 0 ? widths[stage - 1] : inChannels, width, 3, { padding: 1 }),
          new nn.BatchNorm2d(width),
          new nn.ReLU(true),
        ])
        return new nn.Sequential([...layers.flat(), poolOf(pool)])
      }),
    )
    this.stageChannels = widths
    this.featureChannels = widths[widths.length - 1]
    this.reduction = 2 ** widths.length
    this.#dense = denseLayers
    initialiseConvolutions(this)
  }

  forward(pixels: Tensor): Features {
    let x = pixels
    const stages = Array.from(
      this.features.namedChildren(),
      ([, stage]) => (x = (stage as nn.Module).forward(x)),
    )
    return { map: x, stages, token: null }
  }

  publishedClassifier(labels: number): DenseLayers {
    return new DenseLayers(this.featureChannels, labels, this.#dense)
  }
}

/** One or two linear layers on the flattened map, averaged to 7x7 positions. */
class DenseLayers extends nn.Module<[Features], { logits: Tensor }> {
  readonly classifier: nn.Sequential

  constructor(channels: number, labels: number, layers: 1 | 2) {
    super()
    const inputs = channels * DENSE_SIDE * DENSE_SIDE
    this.classifier = new nn.Sequential(
      layers === 1
        ? [new nn.Linear(inputs, labels)]
        : [new nn.Linear(inputs, DENSE_HIDDEN), new nn.ReLU(true), new nn.Linear(DENSE_HIDDEN, labels)],
    )
  }

  forward({ map }: Features): { logits: Tensor } {
    return { logits: this.classifier.forward(new nn.AdaptiveAvgPool2d(DENSE_SIDE).forward(map).flatten(1)) }
  }
}

const PAPER = 'Guita, Medical Image Multi-Label Classification (competition report)'

export const guitaCnn = defineBackbone({
  paper: PAPER,
  options: z.strictObject({
    layers: z.union([z.literal(2), z.literal(3)]).default(2),
    /** Channels after the last convolution. */
    out_channels: z.int().min(4).max(4096).default(64),
    pooling,
    /** Dense layers of the published head. */
    dense,
  }),
  make: (settings, { layers, out_channels, pooling, dense }) =>
    new PlainStages(settings, {
      widths: Array.from({ length: layers }, (_, i) => Math.ceil(out_channels / 2 ** (layers - 1 - i))),
      convolutions: new Array<number>(layers).fill(1),
      pool: pooling,
      denseLayers: dense,
    }),
})

export const guitaVgg = defineBackbone({
  paper: PAPER,
  options: z.strictObject({ layers: z.union([z.literal(14), z.literal(21)]).default(14), pooling, dense }),
  make: (settings, { layers, pooling, dense }) =>
    new PlainStages(settings, {
      widths: [64, 128, 256, 512, 512],
      convolutions: layers === 14 ? [2, 2, 3, 3, 3] : [4, 4, 4, 4, 4],
      pool: pooling,
      denseLayers: dense,
    }),
})

/** Rows of the image from top to bottom as a sequence; the map has one position a row, the last one's state is the token. */
class RowLstm extends Backbone {
  readonly lstm: nn.LSTM
  override readonly featureChannels: number
  override readonly stageChannels: readonly number[]
  override readonly reduction = 1
  override readonly stem = null

  constructor(
    { inChannels, size }: BackboneSettings,
    { hidden, layers }: { hidden: number; layers: number },
  ) {
    super()
    this.lstm = new nn.LSTM(inChannels * size, hidden, { layers })
    this.featureChannels = hidden
    this.stageChannels = [hidden]
  }

  /** [N, C, H, W] -> map [N, hidden, H, 1] */
  forward(pixels: Tensor): Features {
    const { output, hidden } = this.lstm.run(pixels.transpose(1, 2).flatten(2))
    const map = output.transpose(1, 2).unsqueeze(3)
    return { map, stages: [map], token: hidden }
  }

  publishedClassifier(labels: number): StateLinear {
    return new StateLinear(this.featureChannels, labels)
  }
}

/** One linear layer on the last state. */
class StateLinear extends nn.Module<[Features], { logits: Tensor }> {
  readonly classifier: nn.Linear

  constructor(channels: number, labels: number) {
    super()
    this.classifier = new nn.Linear(channels, labels)
  }

  forward({ map, token }: Features): { logits: Tensor } {
    return { logits: this.classifier.forward(token ?? map.mean([2, 3])) }
  }
}

export const guitaLstm = defineBackbone({
  paper: PAPER,
  options: z.strictObject({
    hidden: z.int().min(1).max(4096).default(128),
    layers: z.int().min(1).max(8).default(1),
  }),
  make: (settings, options) => new RowLstm(settings, options),
})
