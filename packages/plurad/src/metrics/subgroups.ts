import { DataError } from '../errors.js'
import type { Attribute } from './attributes.js'
import type { LabelGroup } from './groups.js'
import { bootstrap, type Distribution } from './intervals/bootstrap.js'
import { intervalOf, type Interval, type IntervalMethod } from './intervals/interval.js'
import { allIntervals, type MetricsIntervals } from './intervals/metrics-intervals.js'
import { evaluateMultilabel, type MeasuredMetrics } from './multilabel.js'
import type { Predictions } from './predictions.js'
import type { LabelMetricName } from './registry.js'
import { selectImages } from './select.js'

/**
 * When a group is too small to say much. With 10 positives the 95 % interval of an AUC of 0.8 is about 0.3 wide (Hanley and
 * McNeil, Radiology 143, 1982).
 */
export const SUBGROUP_RULE = {
  /** A group of fewer images is marked as small. */
  images: 50,
  /** A label with fewer positives, or fewer negatives, in a group is named in the group's notes. */
  positives: 10,
  negatives: 10,
} as const

/** Means over the labels that can be measured in every group. */
const COMPARED = [
  'auc',
  'average_precision',
  'f1',
  'brier',
  'ece',
] as const satisfies readonly LabelMetricName[]

/** A figure with its interval; null where it is not defined. */
export interface SubgroupFigure {
  value: number | null
  interval: Interval | null
}

/** One group of images, such as those of women. */
export interface Subgroup {
  /** The group's name: `F`, `40-59`, `PA`; `unknown` for images without a value. */
  value: string
  images: number
  /** Distinct patients; null where no image names one. */
  patients: number | null
  /** Fewer images than `rule.images`. */
  small: boolean
  /** Warnings for people, a sentence each; empty where there is nothing to warn of. */
  notes: string[]
  /** Means over `comparable_labels` of the attribute: the only ones to be compared between its groups. */
  comparable: Record<(typeof COMPARED)[number], SubgroupFigure>
  /** All figures of the group's images alone, as `metrics.json` has them for all images. */
  metrics: MeasuredMetrics
  /** Their intervals; null where none were asked for. */
  intervals: MetricsIntervals | null
}

/** One thing that images were grouped by. */
export interface AttributeSubgroups {
  /** `sex`, `age`, `view` or the column's name. */
  name: string
  /** Images whose value is known. */
  known: number
  /**
   * Labels with at least `rule.positives` positives and `rule.negatives` negatives in every group that is not small. Means over
   * all labels would compare rare labels of one group with common ones of another.
   */
  comparable_labels: string[]
  groups: Subgroup[]
}

/** What `subgroups.json` of a run folder holds: the test split by sex, age and view, as far as they are known. */
export interface Subgroups {
  /** All images that were grouped. */
  images: number
  rule: { images: number; positives: number; negatives: number }
  /** How intervals were made; null where there are none. */
  interval: { method: IntervalMethod; level: number; repetitions: number; seed: number } | null
  attributes: AttributeSubgroups[]
}

export interface SubgroupOptions {
  thresholds?: readonly (number | null)[] | undefined
  /** Head, medium and tail of each label. */
  groups?: readonly LabelGroup[] | undefined
  /** Of the intervals: patients of the group are drawn with replacement; null for none. */
  bootstrap: { repetitions: number; seed: number; method: IntervalMethod; level: number } | null
  onProgress?: (group: string, done: number, of: number) => void
}

const UNKNOWN = 'unknown'

/**
 * The figures of an evaluation for each group of images by itself. Those of a group are the figures of its images alone,
 * with the thresholds of the whole.
 *
 * @throws DataError as `evaluateMultilabel` does, and for an attribute of another number of images
 */
export function evaluateSubgroups(
  predictions: Predictions,
  attributes: readonly Attribute[],
  options: SubgroupOptions,
): Subgroups {
  return {
    images: predictions.images.length,
    rule: { ...SUBGROUP_RULE },
    interval: options.bootstrap,
    attributes: attributes.map((attribute) => evaluateAttribute(predictions, attribute, options)),
  }
}

function evaluateAttribute(
  predictions: Predictions,
  attribute: Attribute,
  options: SubgroupOptions,
): AttributeSubgroups {
  const { name, values } = attribute
  if (values.length !== predictions.images.length) {
    throw new DataError(
      `Found ${values.length} values of '${name}' for ${predictions.images.length} images: expected one an image.`,
    )
  }
  const parts = groupRows(attribute).map(([value, rows]) => ({
    value,
    ...measureGroup(selectImages(predictions, rows), options, `${name} ${value}`),
  }))
  const large = parts.filter(({ value, metrics }) => value !== UNKNOWN && !isSmall(metrics.images))
  const comparable = predictions.labels.filter(
    (_, c) => large.length > 0 && large.every(({ metrics }) => isMeasurable(metrics.labels[c])),
  )
  return {
    name,
    known: values.filter((value) => value !== null).length,
    comparable_labels: comparable,
    groups: parts.map(({ value, selected, metrics, distribution }) => ({
      value,
      images: metrics.images,
      patients: countPatients(selected),
      small: isSmall(metrics.images),
      notes: notesOn(metrics),
      comparable: comparableFigures(distribution, comparable, options),
      metrics,
      intervals:
        options.bootstrap === null || metrics.images === 0
          ? null
          : allIntervals(distribution, options.bootstrap),
    })),
  }
}

/** The rows of each group, in the attribute's order or the largest first; those without a value last. */
function groupRows({ values, order }: Attribute): [string, number[]][] {
  const rows = new Map<string | null, number[]>()
  for (const [row, value] of values.entries()) {
    const group = rows.get(value)
    if (group === undefined) rows.set(value, [row])
    else group.push(row)
  }
  const unknown = rows.get(null)
  const known = [...rows].flatMap(([value, group]) =>
    value === null ? [] : [[value, group] as [string, number[]]],
  )
  known.sort(([a, left], [b, right]) =>
    order === undefined
      ? right.length - left.length || (a < b ? -1 : 1)
      : order.indexOf(a) - order.indexOf(b),
  )
  return unknown === undefined ? known : [...known, [UNKNOWN, unknown]]
}

interface Measured {
  selected: Predictions
  metrics: MeasuredMetrics
  distribution: Distribution
}

function measureGroup(selected: Predictions, options: SubgroupOptions, name: string): Measured {
  const { thresholds, groups, onProgress } = options
  const distribution = bootstrap(selected, {
    repetitions: options.bootstrap?.repetitions ?? 0,
    seed: options.bootstrap?.seed ?? 0,
    jackknife: options.bootstrap?.method === 'bca',
    onProgress: (done, of) => onProgress?.(name, done, of),
    ...(thresholds === undefined ? {} : { thresholds }),
    ...(groups === undefined ? {} : { groups }),
  })
  return { selected, metrics: evaluateMultilabel(selected, thresholds, groups), distribution }
}

function comparableFigures(
  distribution: Distribution,
  labels: readonly string[],
  { bootstrap: choice }: SubgroupOptions,
): Subgroup['comparable'] {
  const entries = COMPARED.map((metric) => {
    const mean = meanOver(distribution, labels, metric)
    const interval = choice === null ? null : intervalOf(mean, 0, choice.method, choice.level)
    const [value] = mean.estimate
    return [metric, { value: Number.isNaN(value) ? null : value, interval }] as const
  })
  return Object.fromEntries(entries) as Subgroup['comparable']
}

/** The distribution of one figure: the mean over some labels; NaN wherever one of them is not defined. */
function meanOver(
  distribution: Distribution,
  labels: readonly string[],
  metric: LabelMetricName,
): Distribution {
  const places = distribution.figures.flatMap((figure, index) =>
    figure.of === 'labels' && figure.metric === metric && labels.includes(figure.label ?? '') ? [index] : [],
  )
  const mean = (row: Float64Array): Float64Array =>
    Float64Array.of(places.reduce((sum, index) => sum + row[index], 0) / places.length)
  // No figure rests on more than all patients, and some rest on all.
  const patients = Math.max(...distribution.cases)
  const cases = places.reduce((sum, index) => sum + distribution.cases[index], 0)
  return {
    figures: [{ of: 'macro', label: null, metric }],
    estimate: mean(distribution.estimate),
    cases: Float64Array.of(Math.min(cases, patients)),
    replicates: distribution.replicates.map(mean),
    jackknife: distribution.jackknife.map(mean),
  }
}

function notesOn({ images, labels }: MeasuredMetrics): string[] {
  const few = labels.filter((label) => !isMeasurable(label)).map(({ label }) => label)
  const { images: least, positives, negatives } = SUBGROUP_RULE
  return [
    ...(isSmall(images) ? [`${images} images, fewer than ${least}: too few to judge this group.`] : []),
    ...(few.length > 0
      ? [`Fewer than ${positives} positives or ${negatives} negatives: ${few.join(', ')}.`]
      : []),
  ]
}

function isSmall(images: number): boolean {
  return images < SUBGROUP_RULE.images
}

function isMeasurable({ positives, negatives }: { positives: number; negatives: number }): boolean {
  return positives >= SUBGROUP_RULE.positives && negatives >= SUBGROUP_RULE.negatives
}

function countPatients({ patients }: Predictions): number | null {
  const known = patients.filter((patient) => patient !== null)
  return known.length === 0 ? null : new Set(known).size
}
