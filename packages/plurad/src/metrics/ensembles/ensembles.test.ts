import { describe, expect, it } from 'vitest'
import { Random } from '../../data/random.js'
import type { Predictions } from '../predictions.js'
import { alignPredictions } from './align.js'
import { combinePredictions, ensembleWeights } from './combine.js'

const first: Predictions = {
  labels: ['A', 'B'],
  images: ['x', 'y', 'z'],
  patients: ['1', '2', null],
  scores: Float64Array.of(0.1, 0.9, 0.3, 0.5, 0.3, 0.2),
  truth: Float64Array.of(1, 0, 0, NaN, 1, 1),
}
/** The same images in another order. */
const second: Predictions = {
  labels: ['A', 'B'],
  images: ['z', 'x', 'y'],
  patients: [null, '1', '2'],
  scores: Float64Array.of(0.9, 0.4, 0.5, 0.7, 0.1, 0.1),
  truth: Float64Array.of(1, 1, 1, 0, 0, NaN),
}

describe('alignPredictions', () => {
  const align = (other: Predictions): Predictions[] => alignPredictions([first, other], ['a.csv', 'b.csv'])

  it("puts rows into the first's order", () => {
    const [same, moved] = align(second)
    expect(same).toBe(first)
    expect(moved.images).toEqual(['x', 'y', 'z'])
    expect([...moved.scores]).toEqual([0.5, 0.7, 0.1, 0.1, 0.9, 0.4])
    expect(moved.truth).toEqual(first.truth)
  })

  it('says what does not fit', () => {
    expect(() => align({ ...second, labels: ['A', 'C'] })).toThrow("label 2 is 'C' instead of 'B'")
    expect(() => align({ ...second, labels: ['A'] })).toThrow("label 2 is 'none'")
    expect(() => align({ ...second, images: ['z', 'x', 'w'] })).toThrow("b.csv lacks the image 'y' of a.csv")
    expect(() => align({ ...second, patients: [null, '1', '3'] })).toThrow("'y' to another patient")
    expect(() => align({ ...second, truth: Float64Array.of(1, 1, 0, 0, 0, NaN) })).toThrow(
      "truth of the image 'x' for 'A'",
    )
    const fewer = {
      ...second,
      images: ['z'],
      patients: [null],
      scores: Float64Array.of(1, 1),
      truth: Float64Array.of(1, 1),
    }
    expect(() => align(fewer)).toThrow('b.csv has 1 images and a.csv 3')
  })
})

describe('combinePredictions', () => {
  const members = alignPredictions([first, second], ['a', 'b'])
  const scoresBy = (method: 'mean' | 'rank' | 'max'): number[] => [
    ...combinePredictions(members, method).scores,
  ]
  const close = (values: readonly number[]): unknown[] =>
    values.map((value) => expect.closeTo(value, 12) as unknown)

  it('means, ranks and takes the highest', () => {
    expect(scoresBy('mean')).toEqual(close([0.3, 0.8, 0.2, 0.3, 0.6, 0.3]))
    expect(scoresBy('max')).toEqual([0.5, 0.9, 0.3, 0.5, 0.9, 0.4])
    // Of A: 1st member ranks 1, 2.5, 2.5 of 3 (tied), 2nd 2, 1, 3.
    expect(scoresBy('rank')).toEqual(close([1.5 / 3, 1, 1.75 / 3, 1.5 / 3, 2.75 / 3, 1.5 / 3]))
  })

  it('weighs by label', () => {
    const weights = [
      [1, 0],
      [0.25, 0.75],
    ]
    const weighted = combinePredictions(members, 'weighted', { weights })
    expect([...weighted.scores]).toEqual(close([0.1, 0.75, 0.3, 0.2, 0.3, 0.35]))
    expect(() => combinePredictions(members, 'weighted')).toThrow('needs weights')
  })

  it('counts votes at the thresholds of each member', () => {
    const thresholds = [
      [0.2, 0.5],
      [0.5, null],
    ]
    const { scores } = combinePredictions(members, 'vote', { thresholds })
    // A: 0.1|0.3|0.3 at 0.2 and 0.5|0.1|0.9 at 0.5; B: the first member alone.
    expect([...scores]).toEqual([0.5, 1, 0.5, 1, 1, 0])
    const nobody = combinePredictions(members, 'vote', {
      thresholds: [
        [0.2, null],
        [0.5, null],
      ],
    })
    expect([...nobody.scores].filter((_, at) => at % 2 === 1)).toEqual([0, 0, 0])
    expect(() => combinePredictions(members, 'vote')).toThrow('thresholds of each')
  })
})

describe('ensembleWeights', () => {
  const random = new Random(5)
  const truth = Float64Array.from({ length: 400 }, () => Number(random.chance(0.3)))
  const set = (scores: Float64Array): Predictions => ({
    labels: ['A'],
    images: Array.from(truth, (_, row) => String(row)),
    patients: Array.from(truth, () => null),
    scores,
    truth,
  })
  const good = set(truth.map((present) => (present === 1 ? 0.5 : 0.15) + 0.2 * random.next()))
  const noise = set(truth.map(() => random.next()))

  it('prefers what is right, adds up to 1, and is the optimum of the likelihood', () => {
    const [[w, rest]] = ensembleWeights([good, noise])
    expect(w).toBeGreaterThan(0.9)
    expect(w + rest).toBeCloseTo(1, 12)
    const loss = (share: number): number => {
      const { scores } = combinePredictions([good, noise], 'weighted', {
        weights: [[share, 1 - share]],
      })
      return scores.reduce((sum, p, i) => sum - Math.log(truth[i] === 1 ? p : 1 - p), 0)
    }
    for (let share = 0; share <= 1; share += 0.01) expect(loss(share)).toBeGreaterThan(loss(w) - 1e-3)
  })

  it('are equal where nothing is known', () => {
    const unknown = { ...good, truth: truth.map(() => NaN) }
    expect(ensembleWeights([unknown, unknown])).toEqual([[0.5, 0.5]])
  })
})
