/** Against numpy and scikit-learn, whatever the batches. */
import { readFileSync } from 'node:fs'
import { tensor, type Tensor } from '@plurad/torch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COVARIANCES, GaussianStatistics, type CovarianceKind } from './gaussian-statistics.js'

interface Cell {
  label: number
  value: 0 | 1
  count: number
  mean: number[] | null
  covariance?: number[][]
  shrunk?: number[][]
  shrinkage?: number
}

/** Made by make.py beside it. */
const reference = JSON.parse(
  readFileSync(new URL('../../../../test/fixtures/ldrnet/gaussians.json', import.meta.url), 'utf8'),
) as { features: number[][][]; targets: (number | null)[][]; cells: Cell[] }
const { features, cells } = reference
const targets = reference.targets.map((row) => row.map((value) => value ?? NaN))
const [LABELS, DIM] = [features[0].length, features[0][0].length]

function statisticsOf(kind: CovarianceKind, sizes: readonly number[]): GaussianStatistics {
  const statistics = new GaussianStatistics(LABELS, DIM, kind)
  for (let at = 0, turn = 0; at < features.length; turn++) {
    const end = at + sizes[turn % sizes.length]
    statistics.add(tensor(features.slice(at, end)), targets.slice(at, end).flat())
    at = end
  }
  return statistics
}

/** Largest difference, as a share of the largest value. */
function relative(actual: Tensor, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs))
  return Math.max(...actual.toFlatArray().map((value, i) => Math.abs(value - expected[i]))) / scale
}

describe.each(COVARIANCES)('%s covariances', (kind) => {
  test('are those of numpy or scikit-learn, whatever the batches', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }), (sizes) => {
        const statistics = statisticsOf(kind, sizes)
        for (const { label, value, count, mean, covariance, shrunk, shrinkage } of cells) {
          expect(statistics.count(value, label)).toBe(count)
          if (mean) expect(relative(statistics.mean(value, label), mean)).toBeLessThan(1e-13)
          if (!covariance || !shrunk || shrinkage === undefined) continue
          const whole = kind === 'shrunk' ? shrunk : covariance
          const expected = kind === 'diagonal' ? whole.map((row, i) => row[i]) : whole.flat()
          expect(relative(statistics.covariance(value, label), expected)).toBeLessThan(1e-10)
          if (kind === 'shrunk') expect(statistics.shrinkage(value, label)).toBeCloseTo(shrinkage, 10)
        }
      }),
      { numRuns: 25 },
    )
  })

  test('go on from a checkpoint to the last bit', () => {
    const half = features.length / 2
    const add = (statistics: GaussianStatistics, from: number, to: number): void =>
      statistics.add(tensor(features.slice(from, to)), targets.slice(from, to).flat())
    const whole = new GaussianStatistics(LABELS, DIM, kind)
    add(whole, 0, half)
    const resumed = new GaussianStatistics(LABELS, DIM, kind)
    resumed.loadStateDict(whole.stateDict())
    for (const statistics of [whole, resumed]) add(statistics, half, features.length)
    for (const [key, value] of whole.stateDict()) {
      expect(resumed.stateDict().get(key)?.toBytes()).toEqual(value.toBytes())
    }
  })
})

test('features that all labels share are those of each label', () => {
  const pooled = features.map((row) => [row[0]])
  const repeated = features.map((row) => row.map(() => row[0]))
  const [shared, own] = [pooled, repeated].map((values) => {
    const statistics = new GaussianStatistics(LABELS, DIM, 'full')
    statistics.add(tensor(values), targets.flat())
    return statistics
  })
  for (const [key, value] of own.stateDict())
    expect(shared.stateDict().get(key)?.toBytes()).toEqual(value.toBytes())
})
