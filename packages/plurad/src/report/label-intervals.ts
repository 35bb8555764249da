/** Intervals of what a report shows, for metrics that came without any. */
import { Random } from '../data/random.js'
import { recount } from '../metrics/column.js'
import {
  allIntervals,
  countCases,
  drawClusters,
  figureCases,
  hasBothClasses,
  labelMetrics,
  LABEL_GROUPS,
  patientClusters,
  rankLabels,
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
  const macroAndGroups: { of: Figure['of']; members: number[] }[] = [
    { of: 'macro', members: [...predictions.labels.keys()] },
    ...LABEL_GROUPS.map((group) => ({
      of: group,
      members: [...(groups ?? []).keys()].filter((c) => groups?.[c] === group),
    })),
  ]
  const means = macroAndGroups.filter(({ members }) => members.length > 0)

  const weights = new Float64Array(clusters.count).fill(1)
  const measure = (): Float64Array => {
    const values = labels.map(({ ranked, weightOf, column }) => {
      recount(ranked, weightOf, weights, column)
      return SHOWN.map((name) => (hasBothClasses(column) ? (labelMetrics[name](column) ?? NaN) : NaN))
    })
    const averages = means.flatMap(({ members }) =>
      SHOWN.map((_, m) => meanOf(members.map((c) => values[c][m]))),
    )
    return Float64Array.from([...values.flat(), ...averages])
  }
  const estimate = measure()
  const replicates = Array.from({ length: repetitions }, (_, repetition) => {
    drawClusters(new Random(seed, repetition), weights)
    return measure()
  })
  const figures: Figure[] = [
    ...predictions.labels.flatMap((label) =>
      SHOWN.map((metric): Figure => ({ of: 'labels', label, metric })),
    ),
    ...means.flatMap(({ of }) => SHOWN.map((metric): Figure => ({ of, label: null, metric }))),
  ]
  const ranked = labels.map((label) => label.ranked)
  const cases = figureCases(figures, predictions.labels, countCases(ranked, clusters), clusters.count, groups)
  const distribution: Distribution = { figures, estimate, cases, replicates, jackknife: [] }
  return allIntervals(distribution, { method: 'percentile', level, seed })
}

/** Over the labels that have a value; NaN where none has. */
function meanOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.reduce((sum, value) => sum + value, 0) / known.length
}
