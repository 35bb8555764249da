import { DataError } from '../errors.js'
import type { Predictions } from './predictions.js'
import { hasBothClasses, labelColumns, type LabelColumn } from './column.js'
import { labelMetricNames, labelMetrics, type LabelMetricName } from './registry.js'

/** Metrics of one label, as `metrics.json` holds them. */
export interface LabelMetrics extends Record<LabelMetricName, number | null> {
  label: string
  /** Present when `score >= threshold`; null where no threshold could be tuned. */
  threshold: number | null
  /** Images with the finding, without it, and of unknown truth (left out of this label's metrics). */
  positives: number
  negatives: number
  unknown: number
  /** Why a metric is null. */
  note?: string
}

/** Means over labels; a label counts in a mean when its own value is not null. */
export interface MacroMetrics extends Record<LabelMetricName, number | null> {
  /** Labels with both classes, over which `auc` and `average_precision` are means. */
  labels_counted: number
  /** Labels with both classes and a threshold, over which `f1`, `precision` and `recall` are means. */
  labels_with_threshold: number
}

export interface MultilabelMetrics {
  images: number
  /** In the order of the predictions' labels. */
  labels: LabelMetrics[]
  macro: MacroMetrics
}

/**
 * Metrics of every label and their means. Images whose truth for a label is unknown are left out of that
 * label; a label with one class only gets null for every metric and is left out of the means.
 *
 * @param predictions Scores and truth [N, C].
 * @param thresholds [C] decision thresholds, best tuned on the validation split ({@link maxF1Thresholds});
 *   without them F1, precision and recall are null and only F1 at 0.5 is given.
 * @throws DataError when a score is NaN (naming image and label) or array lengths do not fit.
 */
export function evaluateMultilabel(
  predictions: Predictions,
  thresholds?: readonly (number | null)[],
): MultilabelMetrics {
  if (thresholds && thresholds.length !== predictions.labels.length) {
    throw new DataError(
      `Found ${thresholds.length} thresholds for ${predictions.labels.length} labels: expected one a label, null for none.`,
    )
  }
  const columns = labelColumns(predictions)
  const labels = columns.map((column, c) => evaluateLabel({ ...column, threshold: thresholds?.[c] ?? null }))
  const counted = labels.filter((label) => label.positives > 0 && label.negatives > 0)
  return {
    images: predictions.images.length,
    labels,
    macro: {
      ...byMetric((name) => mean(labels.map((label) => label[name]))),
      labels_counted: counted.length,
      labels_with_threshold: counted.filter((label) => label.threshold !== null).length,
    },
  }
}

function evaluateLabel(column: LabelColumn): LabelMetrics {
  const { label, threshold, positives, negatives, unknown } = column
  const defined = hasBothClasses(column)
  const note = noteOn(column)
  return {
    label,
    ...byMetric((name) => (defined ? labelMetrics[name](column) : null)),
    threshold,
    positives,
    negatives,
    unknown,
    ...(note === null ? {} : { note }),
  }
}

function noteOn({ positives, negatives, threshold }: LabelColumn): string | null {
  if (positives + negatives === 0) return 'no image with known truth: no metric is defined'
  if (positives === 0) return 'no positive image: no metric is defined'
  if (negatives === 0) return 'no negative image: no metric is defined'
  if (threshold === null) return 'no threshold: F1, precision and recall are not given'
  return null
}

function byMetric(valueOf: (name: LabelMetricName) => number | null): Record<LabelMetricName, number | null> {
  const entries = labelMetricNames.map((name) => [name, valueOf(name)] as const)
  return Object.fromEntries(entries) as Record<LabelMetricName, number | null>
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}
