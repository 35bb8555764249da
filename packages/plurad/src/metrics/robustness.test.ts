import { describe, expect, it } from 'vitest'
import { Random } from '../data/random.js'
import { evaluateMultilabel } from './multilabel.js'
import type { Predictions } from './predictions.js'
import { measureRobustness } from './robustness.js'

const images = 80
const random = new Random(4)
const truth = Float64Array.from({ length: 2 * images }, () => Number(random.chance(0.4)))
const scoresWith = (noise: number): Float64Array =>
  truth.map((present) => 1 / (1 + Math.exp(1 - 2 * present - noise * random.normal())))
const predictions: Predictions = {
  labels: ['A', 'B'],
  images: Array.from({ length: images }, (_, row) => `${row}.png`),
  patients: Array.from({ length: images }, (_, row) => `p${row % 50}`),
  scores: scoresWith(0.5),
  truth,
}

describe('measureRobustness', () => {
  const choice = { repetitions: 60, seed: 1, method: 'percentile' as const, level: 0.95 }
  const worse = scoresWith(4)
  const squeezed = predictions.scores.map((score) => score / 3)
  let last: [number, number] = [0, 0]
  const found = measureRobustness(
    predictions,
    [
      { name: 'dim', amount: 'share', levels: [{ amount: 3, scores: squeezed }] },
      {
        name: 'noise',
        amount: 'deviation',
        levels: [
          { amount: 0, scores: predictions.scores },
          { amount: 4, scores: worse },
        ],
      },
    ],
    choice,
    (done, of) => (last = [done, of]),
  )

  it('gives the figures of the changed scores and their paired differences', () => {
    const [plain, changed] = [predictions, { ...predictions, scores: worse }].map(
      (one) => evaluateMultilabel(one).macro,
    )
    expect(found.plain.auc.value).toBe(plain.auc)
    const { severity, amount, auc, average_precision: ap } = found.corruptions[1].curve[1]
    expect({ severity, amount }).toEqual({ severity: 2, amount: 4 })
    expect([auc.value, ap.value]).toEqual([changed.auc, changed.average_precision])
    expect(auc.difference).toBeCloseTo((changed.auc ?? NaN) - (plain.auc ?? NaN), 12)
    expect(auc.difference_interval?.[1]).toBeLessThan(0)
  })

  it('finds no difference, in no sample, where ranks stay', () => {
    for (const point of [found.corruptions[0].curve[0], found.corruptions[1].curve[0]]) {
      expect(point.auc).toMatchObject({ difference: 0, difference_interval: [0, 0] })
      expect(point.auc.interval).toEqual(found.plain.auc.interval)
    }
  })

  it('tells how far it is', () => {
    expect(last).toEqual([4 * 60, 4 * 60])
  })
})
