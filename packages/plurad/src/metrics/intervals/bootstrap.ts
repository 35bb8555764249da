import { Random } from '../../data/random.js'
import { DataError } from '../../errors.js'
import type { LabelGroup } from '../groups.js'
import type { Predictions } from '../predictions.js'
import { countCases, patientClusters } from './clusters.js'
import { figureCases, figuresOf, figureValues, type Figure } from './figures.js'
import { keepLabels, labelMeans, setMeanCases } from './label-means.js'
import { ResampledEvaluation } from './resampled.js'

export interface BootstrapOptions {
  /** How many samples of patients are drawn. */
  repetitions: number
  seed: number
  /** Also leave out patients in turn, which BCa intervals need. */
  jackknife: boolean
  thresholds?: readonly (number | null)[]
  groups?: readonly LabelGroup[]
  /** Called after every sample with the number done. */
  onProgress?: (done: number, of: number) => void
}

/** The figures of an evaluation, as they are and as they come out of other samples of the same patients. */
export interface Distribution {
  /** What each place of the arrays below is. */
  figures: Figure[]
  /** [F] on all images; NaN where a figure is not defined. */
  estimate: Float64Array
  /** [F] independent cases that each figure rests on, for what a bootstrap misses of small numbers. */
  cases: Float64Array
  /** [R] of [F]: with patients drawn with replacement. */
  replicates: Float64Array[]
  /** [J] of [F]: with one patient, or one J-th of them, left out; empty without `jackknife`. */
  jackknife: Float64Array[]
}

/** Leaving out groups of patients instead of single ones gives the same skewness once there are many. */
const MOST_JACKKNIFE_GROUPS = 400

/**
 * Draws patients with replacement and evaluates each sample: all images of a patient come and go together, since they
 * are no independent cases. Means over labels are always over those that are defined on all images ({@link keepLabels}).
 * With the same patients and seed, two sets of predictions meet the same samples, so that
 * their distributions can be subtracted ({@link differenceOf}).
 *
 * Efron and Tibshirani, An Introduction to the Bootstrap (1993); clusters: Davison and Hinkley (1997), 3.8.
 *
 * @throws DataError as `evaluateMultilabel` does, and when there is no image
 */
export function bootstrap(predictions: Predictions, options: BootstrapOptions): Distribution {
  const { repetitions, seed, onProgress } = options
  const clusters = patientClusters(predictions.patients)
  if (clusters.count === 0) throw new DataError('A bootstrap needs images to draw from: there are none.')
  const evaluation = new ResampledEvaluation(predictions, clusters, options.thresholds, options.groups)
  const weights = new Float64Array(clusters.count).fill(1)
  const whole = evaluation.at(weights)
  const [figures, estimate] = [figuresOf(whole), figureValues(whole)]
  const means = labelMeans(figures, predictions.labels, options.groups ?? null)
  const sample = (): Float64Array => {
    const values = figureValues(evaluation.at(weights))
    keepLabels(values, estimate, means)
    return values
  }
  const replicates: Float64Array[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    drawClusters(new Random(seed, repetition), weights)
    replicates.push(sample())
    onProgress?.(repetition + 1, repetitions)
  }
  const jackknife: Float64Array[] = []
  const groups = options.jackknife ? Math.min(clusters.count, MOST_JACKKNIFE_GROUPS) : 0
  for (let group = 0; group < groups; group++) {
    weights.fill(1)
    for (let k = group; k < clusters.count; k += groups) weights[k] = 0
    jackknife.push(sample())
  }
  const counts = countCases(evaluation.ranked, clusters)
  const cases = figureCases(figures, predictions.labels, counts, clusters.count)
  setMeanCases(cases, means, replicates, clusters.count)
  return { figures, estimate, cases, replicates, jackknife }
}

/** How often each of K clusters is drawn in K draws with replacement. */
export function drawClusters(random: Random, weights: Float64Array): void {
  weights.fill(0)
  for (let draw = 0; draw < weights.length; draw++) weights[random.integer(weights.length)]++
}

/** The paired difference `a - b`, sample by sample. Both must come from the same patients, seed and repetitions. */
export function differenceOf(a: Distribution, b: Distribution): Distribution {
  return combine([a, b], ([x, y]) => x - y)
}

/** The mean of several distributions, such as of one method's seeds on the same images. */
export function meanOf(distributions: readonly Distribution[]): Distribution {
  return combine(distributions, (values) => values.reduce((sum, value) => sum + value, 0) / values.length)
}

function combine(all: readonly Distribution[], of: (values: number[]) => number): Distribution {
  const [first] = all
  const same = (other: Distribution): boolean =>
    other.estimate.length === first.estimate.length &&
    other.replicates.length === first.replicates.length &&
    other.jackknife.length === first.jackknife.length
  if (!all.every(same)) {
    throw new DataError('Only distributions of the same labels, images and samples can be put together.')
  }
  const join = (rows: readonly Float64Array[]): Float64Array =>
    first.estimate.map((_, f) => of(rows.map((row) => row[f])))
  return {
    figures: first.figures,
    estimate: join(all.map(({ estimate }) => estimate)),
    cases: first.cases.map((_, f) => Math.min(...all.map(({ cases }) => cases[f]))),
    replicates: first.replicates.map((_, r) => join(all.map(({ replicates }) => replicates[r]))),
    jackknife: first.jackknife.map((_, j) => join(all.map(({ jackknife }) => jackknife[j]))),
  }
}
