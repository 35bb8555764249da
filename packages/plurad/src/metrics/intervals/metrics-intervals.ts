import type { Distribution } from './bootstrap.js'
import { intervalOf, type Interval, type IntervalMethod } from './interval.js'

/** Intervals by metric; null where one is not defined. */
export type IntervalsByMetric = Record<string, Interval | null>

/** The intervals of an evaluation, beside its figures in `metrics.json`. */
export interface MetricsIntervals {
  method: IntervalMethod
  level: number
  repetitions: number
  seed: number
  /** What was drawn: patients, each with all its images. */
  clustered_by: 'patient'
  labels: { label: string; intervals: IntervalsByMetric }[]
  /** Of `macro`, `overall`, `odir` and the groups that there are. */
  means: Record<string, IntervalsByMetric>
}

/** The interval of every figure. */
export function allIntervals(
  distribution: Distribution,
  { method, level, seed }: { method: IntervalMethod; level: number; seed: number },
): MetricsIntervals {
  const labels = new Map<string, IntervalsByMetric>()
  const means: Record<string, IntervalsByMetric> = {}
  for (const [index, { of, label, metric }] of distribution.figures.entries()) {
    const interval = intervalOf(distribution, index, method, level)
    if (label === null) (means[of] ??= {})[metric] = interval
    else labels.set(label, { ...labels.get(label), [metric]: interval })
  }
  return {
    method,
    level,
    repetitions: distribution.replicates.length,
    seed,
    clustered_by: 'patient',
    labels: [...labels].map(([label, intervals]) => ({ label, intervals })),
    means,
  }
}
