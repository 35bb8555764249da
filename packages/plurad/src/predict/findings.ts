/** What comes out of a prediction. */
import { calibrate } from '../metrics/calibration/calibrate.js'
import type { ModelInfo } from '../models/model-info.js'
import type { OutOfDistribution } from './out-of-distribution.js'

/** A sample with something to know of it. */
export interface SampleNote {
  /** The name of its first image. */
  image: string
  /** Which of the samples that were given, from 0. */
  index: number
  reason: string
}

/** What models say of samples, and what could not be looked at. */
export interface Judged {
  /** Which of the samples that were given could be read, from 0, in their order. */
  indices: readonly number[]
  /** Probabilities in [0, 1], row-major [indices, labels]. */
  scores: Float64Array
  /** One a sample read; null where a model was exported without. */
  outOfDistribution: readonly OutOfDistribution[] | null
  unreadable: readonly SampleNote[]
  warnings: readonly SampleNote[]
}

export interface Findings extends Judged {
  /** Of the only model; of several without thresholds and calibration, which belong to one. */
  info: ModelInfo
  /** In the order of the scores. */
  labels: readonly string[]
  /** The samples that could be read, by the name of their first image. */
  images: readonly string[]
  /** The scores after the model's calibration; null where it has none. */
  calibrated: Float64Array | null
}

/** Row-major as the scores, in the order of the model's labels. */
export function calibratedScores({ calibration }: ModelInfo, scores: Float64Array): Float64Array | null {
  if (calibration === null) return null
  return scores.map((score, at) => calibrate(calibration[at % calibration.length], score))
}
