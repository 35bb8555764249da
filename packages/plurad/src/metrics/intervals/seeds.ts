import type { Interval } from './interval.js'
import { studentP, studentQuantile } from './normal.js'

/** One figure over several trainings that differ by their seed. */
export interface SeedSummary {
  count: number
  mean: number
  /** Standard deviation over seeds (n - 1); null for one seed. */
  deviation: number | null
  lowest: number
  highest: number
  /** Of the mean, by Student's t: how far another few seeds might come out. Null for one seed. */
  interval: Interval | null
}

/**
 * @param values One a seed, at least one.
 * @param level Coverage of the interval, in (0, 1).
 */
export function summariseSeeds(values: readonly number[], level = 0.95): SeedSummary {
  const count = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const deviation = count < 2 ? null : deviationOf(values, mean)
  const half = deviation === null ? null : (studentQuantile(level, count - 1) * deviation) / Math.sqrt(count)
  return {
    count,
    mean,
    deviation,
    lowest: Math.min(...values),
    highest: Math.max(...values),
    interval: half === null ? null : [mean - half, mean + half],
  }
}

/**
 * Two-sided p value of the paired t test: whether method `a` and method `b`, trained with the same seeds, differ by
 * more than seeds do. Null with fewer than two seeds or where all differences are equal.
 */
export function pairedSeedsP(a: readonly number[], b: readonly number[]): number | null {
  const differences = a.map((value, seed) => value - b[seed])
  if (a.length !== b.length || a.length < 2) return null
  const { mean, deviation } = summariseSeeds(differences)
  if (deviation === null || deviation === 0) return null
  return studentP(mean / (deviation / Math.sqrt(a.length)), a.length - 1)
}

function deviationOf(values: readonly number[], mean: number): number {
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return Math.sqrt(squares / (values.length - 1))
}
