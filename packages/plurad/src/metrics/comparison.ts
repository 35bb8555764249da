import { rankLabels } from './column.js'
import { bootstrap, differenceOf, meanOf, type Distribution } from './intervals/bootstrap.js'
import { patientClusters } from './intervals/clusters.js'
import { delongDifference } from './intervals/delong.js'
import { holm } from './intervals/holm.js'
import { bootstrapP, intervalOf, type Interval, type IntervalMethod } from './intervals/interval.js'
import { pairedSeedsP, summariseSeeds, type SeedSummary } from './intervals/seeds.js'
import type { Predictions } from './predictions.js'
import type { LabelMetricName } from './registry.js'

/** A method to be compared: one training, or several that differ by their seed. */
export interface ComparedMethod {
  name: string
  /** Of the same images in the same order for all methods. */
  seeds: readonly { predictions: Predictions; thresholds?: readonly (number | null)[] | undefined }[]
}

export interface CompareOptions {
  repetitions: number
  seed: number
  method: IntervalMethod
  /** Coverage of the intervals, in (0, 1). */
  level: number
  metrics: readonly LabelMetricName[]
  /** Also of every label by itself. */
  perLabel: boolean
}

/** One metric of one method, and its difference from the first method. */
export interface MethodResult {
  method: string
  metric: LabelMetricName
  /** Null for the mean over labels. */
  label: string | null
  /** Of several seeds, their mean. */
  value: number | null
  interval: Interval | null
  /** From the first method; null for that itself, and where it is not defined. */
  difference: number | null
  difference_interval: Interval | null
  /** Two-sided, by the paired bootstrap over patients. */
  p: number | null
  /** The same, corrected for all tests of its family: the means, or the labels. */
  p_holm: number | null
  /** DeLong's paired test, for a label's AUC of single trainings, with a patient's images as one case. */
  p_delong: number | null
  seeds: SeedSummary
  /** Paired t test over seeds: whether the methods differ by more than seeds do. */
  p_seeds: number | null
}

export interface Comparison {
  /** The first is what the others are compared with. */
  methods: string[]
  repetitions: number
  seed: number
  interval: IntervalMethod
  level: number
  /** Means over labels. */
  results: MethodResult[]
  /** Label by label; empty unless asked for. */
  labels: MethodResult[]
}

interface Prepared {
  method: ComparedMethod
  seeds: Distribution[]
  mean: Distribution
  /** Its difference from the first method; null for that itself. */
  difference: Distribution | null
}

/**
 * Compares methods on the same images. Each sample of the patients is given to all of them, so that what is hard about
 * a sample is hard for all and does not blur the difference.
 *
 * @throws DataError as `evaluateMultilabel` does
 */
export function compareMethods(
  methods: readonly ComparedMethod[],
  options: CompareOptions,
  onProgress?: (method: string, done: number, of: number) => void,
): Comparison {
  const { repetitions, seed, method: interval, level, metrics, perLabel } = options
  const prepared: Prepared[] = []
  for (const method of methods) {
    const seeds = method.seeds.map(({ predictions, thresholds }) =>
      bootstrap(predictions, {
        repetitions,
        seed,
        jackknife: interval === 'bca',
        ...(thresholds === undefined ? {} : { thresholds }),
        onProgress: (done, of) => onProgress?.(method.name, done, of),
      }),
    )
    const mean = seeds.length === 1 ? seeds[0] : meanOf(seeds)
    const difference = prepared.length === 0 ? null : differenceOf(mean, prepared[0].mean)
    prepared.push({ method, seeds, mean, difference })
  }
  const { labels } = methods[0].seeds[0].predictions
  const family = (of: 'macro' | 'labels', names: readonly (string | null)[]): MethodResult[] =>
    corrected(
      names.flatMap((label) =>
        metrics.flatMap((metric) =>
          prepared.map((one) => resultOf({ one, first: prepared[0], of, label, metric, options })),
        ),
      ),
    )
  const results = family('macro', [null])
  const each = perLabel ? family('labels', labels) : []
  if (perLabel && metrics.includes('auc')) addDelong(each, methods, labels)
  return {
    methods: methods.map(({ name }) => name),
    repetitions,
    seed,
    interval,
    level,
    results,
    labels: each,
  }
}

interface Wanted {
  one: Prepared
  first: Prepared
  of: 'macro' | 'labels'
  label: string | null
  metric: LabelMetricName
  options: CompareOptions
}

function resultOf({ one, first, of, label, metric, options }: Wanted): MethodResult {
  const { mean, difference, seeds, method } = one
  const index = mean.figures.findIndex(
    (figure) => figure.of === of && figure.label === label && figure.metric === metric,
  )
  const at = (distribution: Distribution | null): number | null => {
    const value = distribution?.estimate[index] ?? NaN
    return Number.isNaN(value) ? null : value
  }
  const values = seeds.map(({ estimate }) => estimate[index])
  return {
    method: method.name,
    metric,
    label,
    value: at(mean),
    interval: intervalOf(mean, index, options.method, options.level),
    difference: at(difference),
    difference_interval: difference && intervalOf(difference, index, options.method, options.level),
    p: difference && bootstrapP(difference, index),
    p_holm: null,
    p_delong: null,
    seeds: summariseSeeds(values, options.level),
    p_seeds:
      one === first
        ? null
        : pairedSeedsP(
            values,
            first.seeds.map(({ estimate }) => estimate[index]),
          ),
  }
}

function corrected(results: MethodResult[]): MethodResult[] {
  const adjusted = holm(results.map(({ p }) => p))
  return results.map((result, i) => ({ ...result, p_holm: adjusted[i] }))
}

/** Ranks each single training once and sets DeLong's p value against the first. */
function addDelong(
  results: readonly MethodResult[],
  methods: readonly ComparedMethod[],
  labels: readonly string[],
): void {
  const ranked = methods.map(({ seeds }) => (seeds.length === 1 ? rankLabels(seeds[0].predictions) : null))
  const [reference] = ranked
  const clusters = patientClusters(methods[0].seeds[0].predictions.patients)
  if (reference === null) return
  for (const result of results) {
    const one = ranked[methods.findIndex(({ name }) => name === result.method)]
    if (one === null || one === reference || result.metric !== 'auc') continue
    const c = labels.indexOf(result.label ?? '')
    result.p_delong = delongDifference(one[c], reference[c], undefined, clusters)?.p ?? null
  }
}
