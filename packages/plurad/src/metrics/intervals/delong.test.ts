import { describe, expect, it } from 'vitest'
import { fixture } from '../../../test/interval-examples.js'
import { rankLabel } from '../column.js'
import { patientClusters } from './clusters.js'
import { delong, delongDifference } from './delong.js'

describe.each(fixture.delong)('DeLong: $name', (expected) => {
  const a = rankLabel(expected.a, expected.truth)
  const b = rankLabel(expected.b, expected.truth)

  it('has the variance over all pairs', () => {
    const found = delong(a)
    expect(found?.auc).toBeCloseTo(expected.auc, 12)
    expect(found?.variance).toBeCloseTo(expected.variance, 12)
    expect(found?.interval[0]).toBeCloseTo(expected.interval[0], 10)
    expect(found?.interval[1]).toBeCloseTo(expected.interval[1], 10)
  })

  it('tells the paired difference', () => {
    const found = delongDifference(a, b)
    expect(found?.difference).toBeCloseTo(expected.difference, 12)
    expect(found?.variance).toBeCloseTo(expected.difference_variance, 12)
    expect(found?.z).toBeCloseTo(expected.z, 9)
    expect(found?.p).toBeCloseTo(expected.p, 9)
    expect(delongDifference(a, a)).toMatchObject({ difference: 0, p: 1, z: null })
  })
})

describe.each(fixture.clustered)('DeLong of patients with $name', (expected) => {
  const [a, b] = [rankLabel(expected.a, expected.truth), rankLabel(expected.b, expected.truth)]
  const clusters = patientClusters(expected.patients)

  it("has Obuchowski's variance", () => {
    const found = delong(a, 0.95, clusters)
    expect(found?.auc).toBeCloseTo(expected.auc, 12)
    expect(found?.variance).toBeCloseTo(expected.variance, 12)
    expect(found?.variance).not.toBeCloseTo(delong(a)?.variance ?? NaN, 5)
    expect(delongDifference(a, b, 0.95, clusters)?.variance).toBeCloseTo(expected.difference_variance, 12)
  })
})

describe('DeLong', () => {
  it('takes images of one patient each for the independent cases that they are', () => {
    const { truth, a, b } = fixture.delong[0]
    const clusters = patientClusters(truth.map((_, row) => `p${row}`))
    const [one, other] = [rankLabel(a, truth), rankLabel(b, truth)]
    expect(delong(one, 0.9, clusters)).toEqual(delong(one, 0.9))
    expect(delongDifference(one, other, 0.9, clusters)).toEqual(delongDifference(one, other, 0.9))
  })

  it('of a perfect ranking has no width', () => {
    expect(delong(rankLabel([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]))).toEqual({
      auc: 1,
      variance: 0,
      interval: [1, 1],
    })
  })

  it('wants two images of each class, and the same images', () => {
    expect(delong(rankLabel([0.1, 0.2, 0.3], [0, 0, 1]))).toBeNull()
    const a = rankLabel([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])
    const b = rankLabel([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    expect(() => delongDifference(a, b)).toThrow('the same images')
  })
})
