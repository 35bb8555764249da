import { DataError } from '../errors.js'
import { hasBothClasses, rankLabels, type LabelColumn } from './column.js'
import { confusionAt, pooledConfusion } from './confusion.js'
import { accuracy } from './accuracy.js'
import { auc } from './auc.js'
import { averagePrecision } from './average-precision.js'
import { f1 } from './f1.js'
import { LABEL_GROUPS, type LabelGroup } from './groups.js'
import { imageMeans, imageSums, type ImageMeans } from './images/means.js'
import { odirScore, type OdirScore } from './odir.js'
import { pooledColumn, pooledRanking, type PooledRanking } from './pooled.js'
import { precision } from './precision.js'
import type { Predictions } from './predictions.js'
import { recall } from './recall.js'
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

/** Metrics of all labels together: means over images, and of every image and label as a case of its own (`micro`). */
export interface OverallMetrics extends ImageMeans {
  auc_micro: number | null
  average_precision_micro: number | null
  /** At the labels' thresholds; labels without one are left out. */
  f1_micro: number | null
  precision_micro: number | null
  recall_micro: number | null
  /** The share of image and label pairs called wrong. */
  hamming_loss: number | null
}

/** Means over the labels of one group. */
export interface GroupMetrics extends Record<LabelMetricName, number | null> {
  labels: string[]
}

export interface MultilabelMetrics {
  images: number
  /** In the order of the predictions' labels. */
  labels: LabelMetrics[]
  macro: MacroMetrics
  /** Absent in files that plurad 0.1 wrote. */
  overall?: OverallMetrics
  odir?: OdirScore
  /** Where training counts are known; a group without labels is left out. */
  groups?: Partial<Record<LabelGroup, GroupMetrics>>
}

/** What is computed anew for other weights. */
export interface MeasuredMetrics extends MultilabelMetrics {
  overall: OverallMetrics
  odir: OdirScore
}

/**
 * Metrics of every label, their means, and metrics of all labels together. Images whose truth for a label is unknown
 * are left out of that label; a label with one class only gets null for every metric and is left out of the means.
 *
 * @param predictions Scores and truth [N, C].
 * @param thresholds [C] decision thresholds, best tuned on the validation split ({@link maxF1Thresholds});
 *   without them decisions are not judged: F1, precision and the like are null and only F1 at 0.5 is given.
 * @param groups [C] the group of each label by its training images, for means of head, medium and tail.
 * @throws DataError when a score is NaN (naming image and label) or array lengths do not fit.
 */
export function evaluateMultilabel(
  predictions: Predictions,
  thresholds?: readonly (number | null)[],
  groups?: readonly LabelGroup[],
): MeasuredMetrics {
  const chosen = checkThresholds(predictions, thresholds)
  const columns = rankLabels(predictions).map(({ column }, c) => ({ ...column, threshold: chosen[c] }))
  const oneCluster = new Uint32Array(predictions.images.length)
  const sums = imageSums(predictions, chosen, oneCluster, 1)
  return measure({
    images: predictions.images.length,
    columns,
    means: imageMeans(sums, Float64Array.of(1)),
    ranking: pooledRanking(columns),
    groups: groups ?? null,
  })
}

/** One threshold a label, null for none. Throws `DataError` where their number is another. */
export function checkThresholds(
  { labels }: Pick<Predictions, 'labels'>,
  thresholds: readonly (number | null)[] | undefined,
): readonly (number | null)[] {
  if (thresholds && thresholds.length !== labels.length) {
    throw new DataError(
      `Found ${thresholds.length} thresholds for ${labels.length} labels: expected one a label, null for none.`,
    )
  }
  return thresholds ?? labels.map(() => null)
}

/** All that metrics are computed from, once images are counted. */
export interface Counted {
  images: number
  columns: readonly LabelColumn[]
  means: ImageMeans
  ranking: PooledRanking
  groups: readonly LabelGroup[] | null
}

export function measure({ images, columns, means, ranking, groups }: Counted): MeasuredMetrics {
  const labels = columns.map(evaluateLabel)
  const counted = labels.filter((label) => label.positives > 0 && label.negatives > 0)
  const pooled = pooledColumn(ranking, columns)
  return {
    images,
    labels,
    macro: {
      ...meansOver(labels),
      labels_counted: counted.length,
      labels_with_threshold: counted.filter((label) => label.threshold !== null).length,
    },
    overall: { ...means, ...evaluatePooled(columns, pooled) },
    odir: odirScore(pooled),
    ...(groups === null ? {} : { groups: evaluateGroups(labels, groups) }),
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

function evaluatePooled(
  columns: readonly LabelColumn[],
  pooled: LabelColumn,
): Omit<OverallMetrics, keyof ImageMeans> {
  const outcomes = pooledConfusion(
    columns.flatMap((column) => (column.threshold === null ? [] : [confusionAt(column, column.threshold)])),
  )
  const right = accuracy(outcomes)
  return {
    auc_micro: auc(pooled),
    average_precision_micro: averagePrecision(pooled),
    f1_micro: f1(outcomes),
    precision_micro: precision(outcomes),
    recall_micro: recall(outcomes),
    hamming_loss: right === null ? null : 1 - right,
  }
}

function evaluateGroups(
  labels: readonly LabelMetrics[],
  groups: readonly LabelGroup[],
): Partial<Record<LabelGroup, GroupMetrics>> {
  const entries = LABEL_GROUPS.map((group) => {
    const members = labels.filter((_, c) => groups[c] === group)
    return [group, { labels: members.map(({ label }) => label), ...meansOver(members) }] as const
  })
  return Object.fromEntries(entries.filter(([, { labels: members }]) => members.length > 0))
}

function noteOn({ positives, negatives, threshold }: LabelColumn): string | null {
  if (positives + negatives === 0) return 'no image with known truth: no metric is defined'
  if (positives === 0) return 'no positive image: no metric is defined'
  if (negatives === 0) return 'no negative image: no metric is defined'
  if (threshold === null)
    return 'no threshold: F1, precision, recall and other metrics of decisions are not given'
  return null
}

function byMetric(valueOf: (name: LabelMetricName) => number | null): Record<LabelMetricName, number | null> {
  const values = {} as Record<LabelMetricName, number | null>
  for (const name of labelMetricNames) values[name] = valueOf(name)
  return values
}

function meansOver(labels: readonly LabelMetrics[]): Record<LabelMetricName, number | null> {
  return byMetric((name) => mean(labels, name))
}

function mean(labels: readonly LabelMetrics[], name: LabelMetricName): number | null {
  let [sum, count] = [0, 0]
  for (const label of labels) {
    const value = label[name]
    if (value === null) continue
    sum += value
    count++
  }
  return count === 0 ? null : sum / count
}
