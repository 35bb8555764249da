import { auc } from './auc.js'
import { averagePrecision } from './average-precision.js'
import type { LabelColumn } from './column.js'
import { f1At, precisionAt, recallAt } from './f1.js'

/** A number for one label, or null where it is not defined (one class only, no threshold). */
export type LabelMetric = (column: LabelColumn) => number | null

/**
 * The metrics of one label, by their names in `metrics.json`. To add one, write it in a file of its own
 * and add a line here: evaluation, the means and the tests take it up.
 */
export const labelMetrics = {
  auc,
  average_precision: averagePrecision,
  f1: atThreshold(f1At),
  precision: atThreshold(precisionAt),
  recall: atThreshold(recallAt),
  f1_at_half: (column) => f1At(column, 0.5),
} satisfies Record<string, LabelMetric>

export type LabelMetricName = keyof typeof labelMetrics

export const labelMetricNames = Object.keys(labelMetrics) as readonly LabelMetricName[]

/** A metric at the label's own threshold; null where the label has none. */
function atThreshold(metric: (column: LabelColumn, threshold: number) => number | null): LabelMetric {
  return (column) => (column.threshold === null ? null : metric(column, column.threshold))
}
