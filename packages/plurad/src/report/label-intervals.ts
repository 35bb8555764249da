/** Intervals of what a report shows, for metrics that came without any. */
import { Random } from '../data/random.js'
import { recount } from '../metrics/column.js'
import {
  allIntervals,
  countCases,
  drawClusters,
  figureCases,
  hasBothClasses,
  keepLabels,
  labelMeans,
  labelMetrics,
  LABEL_GROUPS,
  patientClusters,
  rankLabels,
  setMeanCases,
  type Distribution,
  type Figure,
  type LabelGroup,
  type LabelMetricName,
  type MetricsIntervals,
} from '../metrics/index.js'
import type { Predictions } from '../metrics/predictions.js'

const SHOWN: readonly LabelMetricName[] = [
  ...(['auc', 'average_precision', 'f1', 'f1_at_half', 'precision', 'recall', 'specificity'] as const),
  ...(['brier', 'ece'] as const),
]

export interface LabelIntervalOptions {
  thresholds: readonly (number | null)[]
  groups: readonly LabelGroup[] | null
  repetitions: number
  seed: number
  /** Coverage, in (0, 1). */
  level: number
}

/**
 * Percentile intervals of labels and their means, from the same samples of the patients as `bootstrap` draws. That also
 * measures all labels pooled, which no report shows and takes most of its time where scores are all different.
 */
export function labelIntervals(predictions: Predictions, options: LabelIntervalOptions): MetricsIntervals {
  const { thresholds, groups, repetitions, seed, level } = options
  const clusters = patientClusters(predictions.patients)
  const labels = rankLabels(predictions).map((ranked, c) => ({
    ranked,
    weightOf: ranked.rows.map((row) => clusters.of[row]),
    column: {
      ...ranked.column,
      threshold: thresholds[c],
      truePositives: ranked.column.truePositives.slice(),
      falsePositives: ranked.column.falsePositives.slice(),
    },
  }))
  const groupsThere = LABEL_GROUPS.filter((group) => groups?.includes(group))
  const figures: Figure[] = [
    ...predictions.labels.flatMap((label) =>
      SHOWN.map((metric): Figure => ({ of: 'labels', label, metric })),
    ),
    ...['macro' as const, ...groupsThere].flatMap((of) =>
      SHOWN.map((metric): Figure => ({ of, label: null, metric })),
    ),
  ]
  const means = labelMeans(figures, predictions.labels, groups)

  const weights = new Float64Array(clusters.count).fill(1)
  const values = new Float64Array(figures.length)
  const measure = (whole: Float64Array): Float64Array => {
    labels.forEach(({ ranked, weightOf, column }, c) => {
      recount(ranked, weightOf, weights, column)
      const known = hasBothClasses(column)
      SHOWN.forEach((name, m) => {
        values[c * SHOWN.length + m] = known ? (labelMetrics[name](column) ?? NaN) : NaN
      })
    })
    keepLabels(values, whole, means)
    return values.slice()
  }
  // Labels that are not defined on all images have no value to take part with.
  const estimate = measure(values)
  const replicates = Array.from({ length: repetitions }, (_, repetition) => {
    drawClusters(new Random(seed, repetition), weights)
    return measure(estimate)
  })
  const ranked = labels.map((label) => label.ranked)
  const cases = figureCases(figures, predictions.labels, countCases(ranked, clusters), clusters.count)
  setMeanCases(cases, means, replicates, clusters.count)
  const distribution: Distribution = { figures, estimate, cases, replicates, jackknife: [] }
  return allIntervals(distribution, { method: 'percentile', level, seed })
}
