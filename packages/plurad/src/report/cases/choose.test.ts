import { describe, expect, it } from 'vitest'
import type { Predictions } from '../../metrics/predictions.js'
import { chooseCases } from './choose.js'

/** Rows of [patient, scores of two labels, truth of two labels]. */
function table(rows: readonly [string | null, [number, number], [number, number]][]): Predictions {
  return {
    labels: ['A', 'B'],
    images: rows.map((_, row) => `${row}.png`),
    patients: rows.map(([patient]) => patient),
    scores: Float64Array.from(rows.flatMap(([, scores]) => scores)),
    truth: Float64Array.from(rows.flatMap(([, , truth]) => truth)),
  }
}

const CASES = table([
  ['p', [0.9, 0.1], [1, 0]],
  ['p', [0.8, 0.2], [1, 0]],
  ['q', [0.1, 0.3], [1, 0]],
  ['r', [0.5, 0.9], [0, 1]],
  ['s', [0.5, 0.4], [0, 1]],
  ['t', [0.2, 0.95], [0, 0]],
])

describe('chooseCases', () => {
  it('takes the best and the worst of every label in turn, by the share of the others that score lower', () => {
    const { found, missed, falseAlarms } = chooseCases(CASES, [1, 0], 2)
    // B, the first: 0.9 is above all of 0.1, 0.2, 0.3 but not 0.95; A: 0.9 above all three.
    expect(found).toEqual([
      { row: 3, label: 1, placement: 3 / 4 },
      { row: 0, label: 0, placement: 1 },
    ])
    expect(missed).toEqual([
      { row: 4, label: 1, placement: 3 / 4 },
      { row: 2, label: 0, placement: 0 },
    ])
    // 0.5 of A lies above one of three positives.
    expect(falseAlarms).toEqual([
      { row: 5, label: 1, placement: 1 },
      { row: 3, label: 0, placement: 1 / 3 },
    ])
  })

  it('gives a patient a second place only when nobody else is left, and an image never', () => {
    const { found } = chooseCases(CASES, [0], 4)
    expect(found.map(({ row }) => row)).toEqual([0, 1])
    const { missed } = chooseCases(CASES, [0], 4)
    expect(missed.map(({ row }) => row)).toEqual([2])
  })

  it('counts ties half', () => {
    const tied = table([
      ['p', [0.5, 0], [1, 0]],
      ['q', [0.5, 0], [0, 0]],
      ['r', [0.1, 0], [0, 0]],
    ])
    const [best] = chooseCases(tied, [0, 1], 1).found
    expect(best).toEqual({ row: 0, label: 0, placement: 3 / 4 })
  })

  it('leaves out labels of one class', () => {
    const none = table([['p', [0.5, 0.5], [1, 0]]])
    expect(chooseCases(none, [0, 1], 3)).toEqual({ found: [], missed: [], falseAlarms: [] })
  })
})
