import { describe, expect, it } from 'vitest'
import { fixture } from '../../../test/interval-examples.js'
import { holm } from './holm.js'
import { normalCdf, normalQuantile, studentP } from './normal.js'
import { pairedSeedsP, summariseSeeds } from './seeds.js'

describe('normal and t distribution', () => {
  it('equal scipy', () => {
    for (const { z, cdf } of fixture.normal) expect(Math.abs(normalCdf(z) / cdf - 1)).toBeLessThan(1e-12)
    for (const { p, z } of fixture.quantile) expect(normalQuantile(p)).toBeCloseTo(z, 10)
    for (const { t, degrees, p } of fixture.student) expect(studentP(t, degrees)).toBeCloseTo(p, 12)
  })
})

describe('several tests and seeds', () => {
  it('Holm steps down', () => {
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06])
    expect(holm([0.5, null, 0.001])).toEqual([0.5, null, 0.002])
    expect(holm([0.9, 0.8])).toEqual([1, 1])
    expect(holm([])).toEqual([])
  })

  it('seeds as scipy has them', () => {
    const { a, b, ...expected } = fixture.seeds
    const found = summariseSeeds(a)
    expect(found.mean).toBeCloseTo(expected.mean, 12)
    expect(found.deviation).toBeCloseTo(expected.deviation, 12)
    expect(found.interval?.[0]).toBeCloseTo(expected.interval[0], 10)
    expect(found.interval?.[1]).toBeCloseTo(expected.interval[1], 10)
    expect(pairedSeedsP(a, b)).toBeCloseTo(expected.p, 10)
    expect(summariseSeeds([0.5])).toMatchObject({ mean: 0.5, deviation: null, interval: null })
    expect(pairedSeedsP([1], [2])).toBeNull()
    expect(pairedSeedsP([1, 2], [0, 1])).toBeNull()
  })
})
