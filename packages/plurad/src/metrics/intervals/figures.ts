import type { LabelGroup } from '../groups.js'
import { imageMetricNames } from '../images/registry.js'
import type { MeasuredMetrics, OverallMetrics } from '../multilabel.js'
import { casesOf, labelMetricNames, type LabelMetricName } from '../registry.js'
import type { CaseCounts } from './clusters.js'

/** One number of an evaluation. */
export interface Figure {
  /** `labels` for one label's, `macro` for the mean over labels, `overall`, `odir`, or a group's mean. */
  of: 'labels' | 'macro' | 'overall' | 'odir' | LabelGroup
  /** The label, for `labels`. */
  label: string | null
  metric: string
}

const OVERALL: readonly (keyof OverallMetrics)[] = [
  ...imageMetricNames,
  'auc_micro',
  'average_precision_micro',
  'f1_micro',
  'precision_micro',
  'recall_micro',
  'hamming_loss',
]
const ODIR = ['score', 'kappa', 'f1_flattened_equals_accuracy', 'auc'] as const

/** The figures of an evaluation, in the order of {@link figureValues}. */
export function figuresOf(metrics: MeasuredMetrics): Figure[] {
  const groups = Object.keys(metrics.groups ?? {}) as LabelGroup[]
  return [
    ...metrics.labels.flatMap(({ label }) =>
      labelMetricNames.map((metric): Figure => ({ of: 'labels', label, metric })),
    ),
    ...labelMetricNames.map((metric): Figure => ({ of: 'macro', label: null, metric })),
    ...OVERALL.map((metric): Figure => ({ of: 'overall', label: null, metric })),
    ...ODIR.map((metric): Figure => ({ of: 'odir', label: null, metric })),
    ...groups.flatMap((of) => labelMetricNames.map((metric): Figure => ({ of, label: null, metric }))),
  ]
}

/**
 * [F] the independent cases that each figure rests on: those of its label, or every patient. Means over labels want
 * `setMeanCases` beside.
 *
 * @param counts [L] of each label.
 */
export function figureCases(
  figures: readonly Figure[],
  labels: readonly string[],
  counts: readonly CaseCounts[],
  clusters: number,
): Float64Array {
  const places = new Map(labels.map((label, c) => [label, c]))
  return Float64Array.from(figures, ({ of, label, metric }) => {
    const at = of === 'labels' ? places.get(label ?? '') : undefined
    return at === undefined ? clusters : counts[at][casesOf(metric as LabelMetricName)]
  })
}

/** [F] their values; NaN where one is not defined. */
export function figureValues({ labels, macro, overall, odir, groups }: MeasuredMetrics): Float64Array {
  const values: (number | null)[] = []
  for (const label of labels) for (const name of labelMetricNames) values.push(label[name])
  for (const name of labelMetricNames) values.push(macro[name])
  for (const name of OVERALL) values.push(overall[name])
  for (const name of ODIR) values.push(odir[name])
  for (const group of Object.values(groups ?? {})) {
    for (const name of labelMetricNames) values.push(group[name])
  }
  return Float64Array.from(values, (value) => value ?? NaN)
}
