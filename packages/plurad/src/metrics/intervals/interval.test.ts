import { describe, expect, it } from 'vitest'
import { distribution, fixture } from '../../../test/interval-examples.js'
import { Random } from '../../data/random.js'
import { bootstrapP, intervalOf } from './interval.js'

describe('intervals of given samples', () => {
  it.each(fixture.bca)('$name', ({ estimate, replicates, jackknife, level, ...expected }) => {
    const given = distribution(estimate, replicates, jackknife)
    for (const method of ['percentile', 'bca'] as const) {
      const found = intervalOf(given, 0, method, level) ?? [NaN, NaN]
      expect(found[0]).toBeCloseTo(expected[method][0], 10)
      expect(found[1]).toBeCloseTo(expected[method][1], 10)
    }
  })

  it.each(fixture.expanded)('reach further for $cases cases', ({ cases, level, replicates, interval }) => {
    const found = intervalOf(distribution(0, replicates, [], cases), 0, 'percentile', level) ?? [NaN, NaN]
    expect(found[0]).toBeCloseTo(interval[0], 7)
    expect(found[1]).toBeCloseTo(interval[1], 7)
  })

  it('of one case are all that was drawn, and prove nothing', () => {
    const drawn = distribution(3, Array<number>(99).fill(1), [1, 2, 3, 5], 1)
    expect(intervalOf(drawn, 0)).toEqual([1, 1])
    expect(intervalOf(drawn, 0, 'bca')).toEqual([1, 1])
    expect(bootstrapP(drawn, 0)).toBe(1)
  })

  it('and p values agree', () => {
    // A p value is the level at which the interval just reaches 0.
    const random = new Random(4)
    for (const cases of [6, 20, 80, Infinity]) {
      const drawn = distribution(
        1,
        Array.from({ length: 4001 }, () => random.normal(2)),
        [],
        cases,
      )
      const p = bootstrapP(drawn, 0) ?? NaN
      const [low] = intervalOf(drawn, 0, 'percentile', 1 - p) ?? [NaN]
      expect(Math.abs(low)).toBeLessThan(0.02)
    }
  })

  it('p values of few cases are not held up by the number of samples', () => {
    const random = new Random(5)
    const samples = Array.from({ length: 999 }, () => random.normal(9))
    const p = (cases: number): number | null => bootstrapP(distribution(9, samples, [], cases), 0)
    expect(p(Infinity)).toBe(0.002)
    // t = 9 / sqrt(6 / 5) with 5 degrees of freedom.
    expect(p(6)).toBe(0.002)
    expect(p(3)).toBeCloseTo(0.018, 2)
    expect(p(2)).toBeCloseTo(0.1, 1)
  })

  it('are null where more than a tenth of the samples has no value', () => {
    const some = (missing: number): number[] => Array.from({ length: 20 }, (_, i) => (i < missing ? NaN : i))
    expect(intervalOf(distribution(10, some(2)), 0)).not.toBeNull()
    expect(intervalOf(distribution(10, some(3)), 0)).toBeNull()
    expect(bootstrapP(distribution(10, some(3)), 0)).toBeNull()
    expect(intervalOf(distribution(NaN, some(0)), 0)).toBeNull()
  })

  it('have p values that count both sides of 0', () => {
    expect(bootstrapP(distribution(0, [-1, 0, 1]), 0)).toBe(1)
    expect(bootstrapP(distribution(3, Array<number>(99).fill(1)), 0)).toBe(0.02)
    expect(bootstrapP(distribution(-3, [...Array<number>(97).fill(-1), 2, 3]), 0)).toBe(0.06)
  })
})
