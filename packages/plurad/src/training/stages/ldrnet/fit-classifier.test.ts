/** The classifier that virtual features lead to is known: that of linear discriminant analysis. */
import { Parameter, randn, tensor, zeros } from '@plurad/torch'
import { expect, test } from 'vitest'
import { makeLoss } from '../../../losses/registry.js'
import { fitClassifier, type FitSettings } from './fit-classifier.js'
import { GaussianStatistics } from './gaussian-statistics.js'
import { LabelSampler } from './reverse-sampling.js'
import { LabelGaussians } from './virtual-features.js'

const LABELS = ['one', 'other']
const statistics = { images: 100, known: [100, 100], positives: [20, 80], together: [] }
const bce = makeLoss({ name: 'bce' }, { labels: LABELS, statistics })

/** Features of two dimensions with unit variances: label c has its means at +-1 along dimension c. */
function gaussians(): LabelGaussians {
  const gathered = new GaussianStatistics(2, 2, 'diagonal')
  // Deviations of +-s about the mean have variance 4 s^2 / 3 when divided by 4 - 1.
  const s = Math.sqrt(3 / 4)
  const corners = [
    [-s, -s],
    [-s, s],
    [s, -s],
    [s, s],
  ]
  for (const value of [0, 1]) {
    const features = corners.map(([a, b]) => [
      [a + (2 * value - 1), b],
      [a, b + (2 * value - 1)],
    ])
    gathered.add(tensor(features), new Array<number>(8).fill(value))
  }
  return new LabelGaussians(gathered, 0, 'cpu')
}

// Inverse frequencies 4 to 1, at half of the virtual images on average: 0.8 and 0.2.
const sampler = new LabelSampler(
  { positives: statistics.positives, together: [] },
  { mode: 'balanced', alpha: 1, target: 0.5, floor: 0.05 },
)

const fit = (
  rows: { weight: Parameter; bias: Parameter },
  settings: Partial<FitSettings> = {},
  stopped: () => boolean = () => false,
) =>
  fitClassifier(
    rows,
    gaussians(),
    sampler,
    bce,
    {
      steps: 400,
      batch: 512,
      learningRate: 0.05,
      weightDecay: 0,
      decoupled: false,
      offsets: null,
      ...settings,
    },
    3,
    stopped,
  )

const rowsOf = (make: (shape: number[]) => ReturnType<typeof zeros>) => ({
  weight: new Parameter(make([2, 2])),
  bias: new Parameter(make([2])),
})

test('weights become 2 along the label’s own dimension, biases the logit of its rate', async () => {
  const rows = rowsOf(zeros)
  const outcome = await fit(rows)
  // w = variance^-1 (mean_1 - mean_0), b = logit(rate) - w . (mean_1 + mean_0) / 2.
  const [[w00, w01], [w10, w11]] = rows.weight.toArray() as number[][]
  for (const own of [w00, w11]) expect(Math.abs(own - 2)).toBeLessThan(0.15)
  for (const other of [w01, w10]) expect(Math.abs(other)).toBeLessThan(0.15)
  const [b0, b1] = rows.bias.toFlatArray()
  expect(Math.abs(b0 - Math.log(4))).toBeLessThan(0.15)
  expect(Math.abs(b1 + Math.log(4))).toBeLessThan(0.15)
  expect(outcome?.lossAtEnd).toBeLessThan(outcome?.lossAtStart ?? 0)
  expect(outcome?.rates[0]).toBeCloseTo(0.8, 2)
  expect(outcome?.rates[1]).toBeCloseTo(0.2, 2)
})

test('with offsets, biases become the logit of the real share', async () => {
  const rows = rowsOf(zeros)
  await fit(rows, { offsets: sampler.offsets([20, 80], [100, 100]) })
  const [b0, b1] = rows.bias.toFlatArray()
  expect(Math.abs(b0 + Math.log(4))).toBeLessThan(0.15)
  expect(Math.abs(b1 - Math.log(4))).toBeLessThan(0.15)
  const [[w00], [, w11]] = rows.weight.toArray() as number[][]
  for (const own of [w00, w11]) expect(Math.abs(own - 2)).toBeLessThan(0.15)
})

test('the same seed gives the same rows; a stop gives back the old ones', async () => {
  const start = randn([2, 2])
  const make = (shape: number[]) => (shape.length === 2 ? start.clone() : zeros(shape))
  const [first, second, third] = [rowsOf(make), rowsOf(make), rowsOf(make)]
  const quick = { steps: 25, batch: 8 }
  await fit(first, quick)
  await fit(second, quick)
  expect(second.weight.toBytes()).toEqual(first.weight.toBytes())
  expect(first.weight.toBytes()).not.toEqual(start.toBytes())
  let asked = 0
  expect(await fit(third, quick, () => ++asked > 2)).toBeNull()
  expect(third.weight.toBytes()).toEqual(start.toBytes())
  expect(third.bias.toFlatArray()).toEqual([0, 0])
})

test('steps that run away are told', async () => {
  await expect(fit(rowsOf(zeros), { steps: 20, learningRate: 1e37 })).rejects.toThrow(
    /smaller m_learning_rate/,
  )
})
