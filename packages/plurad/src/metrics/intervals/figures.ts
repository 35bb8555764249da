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
 * [F] the independent cases that each figure rests on. A mean over labels rests on those of all its labels, as far as there are
 * so many patients; figures of whole images rest on every patient.
 *
 * @param counts [L] of each label.
 * @param members [L] each label's group, for means over groups.
 */
export function figureCases(
  figures: readonly Figure[],
  labels: readonly string[],
  counts: readonly CaseCounts[],
  clusters: number,
  members: readonly LabelGroup[] | null,
): Float64Array {
  return Float64Array.from(figures, ({ of, label, metric }) => {
    if (of === 'overall' || of === 'odir') return clusters
    const kind = casesOf(metric as LabelMetricName)
    const part = counts.filter(
      (_, c) => of === 'macro' || (of === 'labels' ? labels[c] === label : members?.[c] === of),
    )
    return Math.min(
      clusters,
      part.reduce((sum, count) => sum + count[kind], 0),
    )
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
