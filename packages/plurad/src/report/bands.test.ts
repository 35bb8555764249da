import { describe, expect, it } from 'vitest'
import { Random } from '../data/random.js'
import { bootstrap, intervalOf } from '../metrics/index.js'
import type { Predictions } from '../metrics/predictions.js'
import { curveBands, GRID } from './bands.js'

const OPTIONS = { repetitions: 400, seed: 3, level: 0.95 }

function oneLabel(
  scores: readonly number[],
  truth: readonly number[],
  patients?: readonly string[],
): Predictions {
  return {
    labels: ['A'],
    images: scores.map((_, row) => `${row}.png`),
    patients: patients ?? scores.map(() => null),
    scores: Float64Array.from(scores),
    truth: Float64Array.from(truth),
  }
}

/** Of `images` images a third has the finding and scores somewhat higher. */
function drawn(images: number): Predictions {
  const random = new Random(8)
  const truth = Array.from({ length: images }, () => Number(random.chance(0.3)))
  return oneLabel(
    truth.map((present) => 1 / (1 + Math.exp(1 - 1.2 * present - random.normal()))),
    truth,
  )
}

describe('curveBands', () => {
  it('reads ROC and precision-recall curves off at the grid', () => {
    // ROC (0, 1/2), (1/2, 1/2), (1/2, 1), (1, 1); precision 1 up to recall 1/2, then 2/3.
    const [bands] = curveBands(oneLabel([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]), OPTIONS)
    expect([0, 25, 49, 50, 75, 100].map((at) => bands?.roc.value[at])).toEqual([0.5, 0.5, 0.5, 1, 1, 1])
    const precision = [0, 25, 50, 51, 100].map((at) => bands?.precisionRecall.value[at])
    expect(precision).toEqual([1, 1, 1, 2 / 3, 2 / 3])
  })

  it('takes the straight line between tied scores', () => {
    const [bands] = curveBands(oneLabel([0.5, 0.5, 0.5, 0.5], [1, 0, 1, 0]), OPTIONS)
    expect([...(bands?.roc.value ?? [])]).toEqual(GRID.map((rate) => expect.closeTo(rate, 12) as number))
  })

  it('has none for a label with one class', () => {
    expect(curveBands(oneLabel([0.1, 0.2], [1, 1]), OPTIONS)).toEqual([null])
  })

  it('is as wide as the binomial distribution says where there is one bin', () => {
    // scipy.stats.binom.ppf([0.025, 0.975], 200, 0.3) / 200 is 0.24 and 0.365; one image is 0.005.
    const truth = Array.from({ length: 200 }, (_, row) => Number(row < 60))
    const scores = truth.map((_, row) => 0.21 + 1e-6 * row)
    const [bands] = curveBands(oneLabel(scores, truth), { ...OPTIONS, repetitions: 2000 })
    const [low = 0, high = 0] = bands?.reliability.find(({ bin }) => bin.images > 0)?.interval ?? []
    expect(Math.abs(low - 0.24)).toBeLessThan(0.0051)
    expect(Math.abs(high - 0.365)).toBeLessThan(0.0051)
  })

  it('holds the curve nearly everywhere, and its area is about as sure as the AUC', () => {
    const predictions = drawn(400)
    const [bands] = curveBands(predictions, OPTIONS)
    if (bands === null) throw new Error('no bands')
    const { value, low, high } = bands.roc
    const inside = GRID.filter((_, i) => low[i] <= value[i] && value[i] <= high[i])
    expect(inside.length).toBe(GRID.length)
    // The same samples: the mean half-width of the band is above that of the area, whose points vary together in part.
    const distribution = bootstrap(predictions, { repetitions: 400, seed: 3, jackknife: false })
    const area = distribution.figures.findIndex(({ metric }) => metric === 'auc')
    const [from, to] = intervalOf(distribution, area) ?? [0, 0]
    const width = GRID.reduce((sum, _, i) => sum + high[i] - low[i], 0) / GRID.length
    expect(width).toBeGreaterThan(to - from)
    expect(width).toBeLessThan(3 * (to - from))
  })

  it('does not become surer by further images of the same patients', () => {
    const once = drawn(60)
    const patients = once.images.map((image) => image)
    const [alone] = curveBands({ ...once, patients }, OPTIONS)
    const four = [0, 1, 2, 3].flatMap(() => [...once.images.keys()])
    const [repeated] = curveBands(
      {
        labels: once.labels,
        images: four.map((row, i) => `${i}-${row}.png`),
        patients: four.map((row) => patients[row]),
        scores: Float64Array.from(four, (row) => once.scores[row]),
        truth: Float64Array.from(four, (row) => once.truth[row]),
      },
      OPTIONS,
    )
    expect(repeated?.roc.low).toEqual(alone?.roc.low)
    expect(repeated?.precisionRecall.high).toEqual(alone?.precisionRecall.high)
  })
})
