import type { Distribution } from './bootstrap.js'
import { normalCdf, normalQuantile, studentP, studentQuantile } from './normal.js'

export type IntervalMethod = 'percentile' | 'bca'
export const INTERVAL_METHODS: readonly IntervalMethod[] = ['percentile', 'bca']

/** [low, high]. */
export type Interval = [number, number]

/** A figure must be defined in this share of the samples; else an interval would describe the lucky ones. */
const LEAST_DEFINED = 0.9

/**
 * The bootstrap interval of one figure; null where the figure, or its interval, is not defined.
 *
 * `percentile`: the (1 - level)/2 quantiles of the samples. `bca`: the same, corrected for bias and for skewness
 * (Efron, Journal of the American Statistical Association 82, 1987); better at small numbers, and it needs a
 * distribution with a jackknife.
 *
 * Samples vary less than the truth does around an estimate from few cases, as a variance with n for n - 1 does, and their quantiles are
 * the normal's rather than Student's. So the tails are moved out by both: the expanded percentile interval of
 * Hesterberg, The American Statistician 69 (2015), 371-386, with the figure's independent cases for n.
 *
 * @param index The figure's place in `distribution.figures`.
 * @param level Coverage, in (0, 1).
 */
export function intervalOf(
  distribution: Distribution,
  index: number,
  method: IntervalMethod = 'percentile',
  level = 0.95,
): Interval | null {
  const estimate = distribution.estimate[index]
  const sorted = definedSorted(distribution.replicates, index)
  if (Number.isNaN(estimate) || sorted.length === 0) return null
  if (sorted.length < LEAST_DEFINED * distribution.replicates.length) return null
  const wide = expandedLevel(level, distribution.cases[index])
  const tails = [(1 - wide) / 2, (1 + wide) / 2]
  const [low, high] =
    method === 'percentile' ? tails : bcaTails(tails, sorted, estimate, distribution.jackknife, index)
  return [quantile(sorted, low), quantile(sorted, high)]
}

/**
 * Two-sided p value of a difference being 0, from its bootstrap distribution: twice the smaller share of samples on
 * either side of 0 (ties count to both), never below 1 / (R + 1) times two, then
 * made larger for few cases as intervals are. Null where the difference is not defined. Davison and Hinkley (1997), 4.2.
 */
export function bootstrapP(distribution: Distribution, index: number): number | null {
  const sorted = definedSorted(distribution.replicates, index)
  if (Number.isNaN(distribution.estimate[index]) || sorted.length === 0) return null
  if (sorted.length < LEAST_DEFINED * distribution.replicates.length) return null
  const [below, above] = [countBelow(sorted, 0, true), sorted.length - countBelow(sorted, 0, false)]
  const least = 2 / (sorted.length + 1)
  const p = Math.min(1, least * (Math.min(below, above) + 1))
  const cases = distribution.cases[index]
  if (cases > MANY_CASES) return p
  // Beyond the last sample the normal goes on, else few cases would make much of what the number of samples leaves open.
  const z = Math.max(-normalQuantile(p / 2), Math.min(below, above) === 0 ? standardised(sorted) : 0)
  return Math.max(least, reducedP(z, cases))
}

/** How many standard deviations the mean is from 0. */
function standardised(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.abs(mean) / Math.sqrt(squares / values.length)
}

/** From here on Student's t is the normal to a thousandth. */
const MANY_CASES = 1000

/** The level whose normal quantile is Student's for `level`, times sqrt(n / (n - 1)). */
function expandedLevel(level: number, cases: number): number {
  if (cases > MANY_CASES) return level
  if (cases < 2) return WIDEST
  const t = studentQuantile(level, Math.round(cases) - 1) * Math.sqrt(cases / (cases - 1))
  return Math.min(WIDEST, 1 - 2 * normalCdf(-t))
}

/** Short of 1, where the normal's quantile is infinite. */
const WIDEST = 1 - 1e-12

/** The two-sided p value of a normal deviate, made larger as intervals are made wider. */
function reducedP(z: number, cases: number): number {
  return cases < 2 ? 1 : studentP(z / Math.sqrt(cases / (cases - 1)), Math.round(cases) - 1)
}

function definedSorted(rows: readonly Float64Array[], index: number): Float64Array {
  return Float64Array.from(rows.map((row) => row[index]).filter((value) => !Number.isNaN(value))).sort()
}

/** Which quantiles stand for the tails once bias `z0` and acceleration are reckoned with. */
function bcaTails(
  tails: readonly number[],
  sorted: Float64Array,
  estimate: number,
  jackknife: readonly Float64Array[],
  index: number,
): number[] {
  // Half of the ties count as below, without which a coarse figure looks biased.
  const below = (countBelow(sorted, estimate, false) + countBelow(sorted, estimate, true)) / 2
  const bias = normalQuantile(below / sorted.length)
  if (!Number.isFinite(bias)) return [...tails]
  const acceleration = accelerationOf(jackknife, index)
  return tails.map((tail) => {
    const z = bias + normalQuantile(tail)
    return normalCdf(bias + z / (1 - acceleration * z))
  })
}

/** A sixth of the jackknife's skewness; 0 where it has no spread. */
function accelerationOf(jackknife: readonly Float64Array[], index: number): number {
  const values = jackknife.map((row) => row[index]).filter((value) => !Number.isNaN(value))
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  let [squares, cubes] = [0, 0]
  for (const value of values) {
    squares += (mean - value) ** 2
    cubes += (mean - value) ** 3
  }
  return squares > 0 ? cubes / (6 * squares ** 1.5) : 0
}

/** How many of the rising values are below `limit`, or at most `limit`. */
function countBelow(sorted: Float64Array, limit: number, inclusive: boolean): number {
  const at = sorted.findIndex((value) => (inclusive ? value > limit : value >= limit))
  return at < 0 ? sorted.length : at
}

/** Linear between the values, as numpy.quantile has it. */
export function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const low = Math.floor(at)
  const high = Math.min(low + 1, sorted.length - 1)
  return sorted[low] + (at - low) * (sorted[high] - sorted[low])
}
