import { accuracy } from './accuracy.js'
import { auc } from './auc.js'
import { averagePrecision } from './average-precision.js'
import { balancedAccuracy } from './balanced-accuracy.js'
import { brier } from './brier.js'
import type { LabelColumn } from './column.js'
import { confusionAt, type ConfusionMetric } from './confusion.js'
import { expectedCalibrationError } from './expected-calibration-error.js'
import { f1 } from './f1.js'
import { fprAtTpr } from './fpr-at-tpr.js'
import { kappa } from './kappa.js'
import { mcc } from './mcc.js'
import { precision } from './precision.js'
import { recall } from './recall.js'
import { specificity } from './specificity.js'

/** A number for one label, or null where it is not defined (one class only, no threshold). */
export type LabelMetric = (column: LabelColumn) => number | null

/**
 * The metrics of one label, by their names in `metrics.json`. To add one, write it in a file of its own
 * and add a line here: evaluation, the means, intervals, comparisons and the tests take it up.
 */
export const labelMetrics = {
  auc,
  average_precision: averagePrecision,
  f1: atThreshold(f1),
  precision: atThreshold(precision),
  recall: atThreshold(recall),
  specificity: atThreshold(specificity),
  accuracy: atThreshold(accuracy),
  balanced_accuracy: atThreshold(balancedAccuracy),
  kappa: atThreshold(kappa),
  mcc: atThreshold(mcc),
  f1_at_half: (column) => f1(confusionAt(column, 0.5)),
  fpr_at_tpr_95: (column) => fprAtTpr(column, 0.95),
  brier,
  ece: expectedCalibrationError,
} satisfies Record<string, LabelMetric>

export type LabelMetricName = keyof typeof labelMetrics

export const labelMetricNames = Object.keys(labelMetrics) as readonly LabelMetricName[]

/** Whose independent cases a metric of one label rests on: patients with the finding, without it, or all of them. */
export type Cases = 'present' | 'absent' | 'fewer' | 'all'

/** Of the metrics that do not rest on the fewer of the patients with and without the finding. */
const restsOn: Partial<Record<LabelMetricName, Cases>> = {
  recall: 'present',
  specificity: 'absent',
  accuracy: 'all',
  brier: 'all',
  ece: 'all',
}

export function casesOf(metric: LabelMetricName): Cases {
  return restsOn[metric] ?? 'fewer'
}

/** Metrics of which less is better. */
export const lowerIsBetter: ReadonlySet<string> = new Set([
  'fpr_at_tpr_95',
  'brier',
  'ece',
  'hamming_loss',
  'coverage_error',
  'ranking_loss',
])

/** A metric at the label's own threshold; null where the label has none. */
function atThreshold(metric: ConfusionMetric): LabelMetric {
  return (column) => (column.threshold === null ? null : metric(confusionAt(column, column.threshold)))
}
