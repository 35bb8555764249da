/** What the tests of intervals share: numbers from scipy and numpy, and predictions made by hand. */
import { readFileSync } from 'node:fs'
import type { Distribution } from '../src/metrics/intervals/bootstrap.js'
import type { Predictions } from '../src/metrics/predictions.js'

interface Fixture {
  delong: {
    name: string
    truth: number[]
    a: number[]
    b: number[]
    auc: number
    variance: number
    interval: [number, number]
    difference: number
    difference_variance: number
    z: number
    p: number
  }[]
  clustered: {
    name: string
    patients: string[]
    truth: number[]
    a: number[]
    b: number[]
    auc: number
    variance: number
    difference_variance: number
  }[]
  expanded: { cases: number; level: number; replicates: number[]; interval: [number, number] }[]
  bca: {
    name: string
    estimate: number
    replicates: number[]
    jackknife: number[]
    level: number
    bca: [number, number]
    percentile: [number, number]
  }[]
  normal: { z: number; cdf: number }[]
  quantile: { p: number; z: number }[]
  student: { t: number; degrees: number; p: number }[]
  seeds: { a: number[]; b: number[]; mean: number; deviation: number; interval: [number, number]; p: number }
  whole: { truth: number[]; scores: number[]; percentile: [number, number]; bca: [number, number] }
}

const file = new URL('fixtures/metrics/intervals.json', import.meta.url)
export const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture

export function oneLabel(
  scores: readonly number[],
  truth: readonly number[],
  patients?: (string | null)[],
): Predictions {
  return {
    labels: ['Finding'],
    images: scores.map((_, row) => `${row}.png`),
    patients: patients ?? scores.map(() => null),
    scores: Float64Array.from(scores),
    truth: Float64Array.from(truth),
  }
}

export function distribution(
  estimate: number,
  replicates: readonly number[],
  jackknife: readonly number[] = [],
  cases = Infinity,
): Distribution {
  return {
    figures: [{ of: 'macro', label: null, metric: 'auc' }],
    estimate: Float64Array.of(estimate),
    cases: Float64Array.of(cases),
    replicates: replicates.map((value) => Float64Array.of(value)),
    jackknife: jackknife.map((value) => Float64Array.of(value)),
  }
}
