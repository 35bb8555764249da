/** From predictions to metrics, with calibration, thresholds and intervals as they were asked for. */
import { applyCalibration } from './calibration/apply.js'
import { fitCalibration } from './calibration/fit.js'
import { operatingPoints, type OperatingPoint } from './calibration/operating-points.js'
import type { Calibration, CalibrationMethod } from './calibration/schema.js'
import { summariseCalibration, type CalibrationSummary } from './calibration/summary.js'
import { groupLabels, type LabelGroup } from './groups.js'
import { bootstrap } from './intervals/bootstrap.js'
import type { IntervalMethod } from './intervals/interval.js'
import { allIntervals, type MetricsIntervals } from './intervals/metrics-intervals.js'
import { evaluateMultilabel, type MeasuredMetrics } from './multilabel.js'
import type { Predictions } from './predictions.js'

/** How intervals are made. */
export interface BootstrapChoice {
  repetitions: number
  method: IntervalMethod
  /** Coverage, in (0, 1). */
  level: number
  seed: number
}

/** What is to be judged, and how. */
export interface Task {
  /** Scores as the model gives them. */
  predictions: Predictions
  /** Those of the model file, for probabilities with the model's own calibration; used unless an operating point is named. */
  thresholds: readonly (number | null)[] | null
  /** Scores of the validation split, which thresholds and calibrations are fitted on. */
  validation: Predictions | null
  /** Positive training images of each label, for the groups. */
  trainingCounts: readonly number[] | null
  point: OperatingPoint | null
  /** The model's own calibration, where it has one. */
  ownCalibration?: Calibration | null
  /** Null for the model's own; `none` to judge scores as they are. */
  calibration: CalibrationMethod | 'none' | null
  bootstrap: BootstrapChoice | null
}

/** What `metrics.json` holds of one split. */
export interface JudgedMetrics extends MeasuredMetrics {
  /** How thresholds were chosen, where that was asked for. */
  operating_point?: OperatingPoint
  /** Where probabilities are calibrated; all other figures are then of calibrated probabilities. */
  calibration?: CalibrationSummary
  intervals?: MetricsIntervals
}

export interface Judgement {
  metrics: JudgedMetrics
  /** Calibrated probabilities; the scores themselves where there is no calibration. */
  calibrated: Predictions
  /** [C]; null where no decision is judged. */
  thresholds: readonly (number | null)[] | null
  groups: readonly LabelGroup[] | null
  calibration: Calibration | null
}

/**
 * Calibrates, chooses thresholds on calibrated probabilities, measures.
 *
 * @throws DataError as `evaluateMultilabel` does
 */
export function judge(task: Task, onProgress?: (done: number, of: number) => void): Judgement {
  const { trainingCounts } = task
  const calibration = calibrationOf(task)
  const calibrated = (predictions: Predictions): Predictions =>
    calibration === null ? predictions : applyCalibration(calibration, predictions)
  const predictions = calibrated(task.predictions)
  const validation = task.validation === null ? null : calibrated(task.validation)
  const thresholds = thresholdsOf(task, predictions, validation)
  const groups = trainingCounts === null ? undefined : groupLabels(trainingCounts)
  const metrics: JudgedMetrics = evaluateMultilabel(predictions, thresholds ?? undefined, groups)
  if (task.point !== null) metrics.operating_point = task.point
  if (calibration !== null)
    metrics.calibration = summariseCalibration(calibration, task.predictions, predictions)
  if (task.bootstrap !== null) {
    const { repetitions, seed, method: interval } = task.bootstrap
    const distribution = bootstrap(predictions, {
      repetitions,
      seed,
      jackknife: interval === 'bca',
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(thresholds === null ? {} : { thresholds }),
      ...(groups === undefined ? {} : { groups }),
    })
    metrics.intervals = allIntervals(distribution, task.bootstrap)
  }
  return { metrics, calibrated: predictions, thresholds, groups: groups ?? null, calibration }
}

function calibrationOf({ calibration, ownCalibration = null, validation }: Task): Calibration | null {
  if (calibration === null) return ownCalibration
  if (calibration === 'none' || validation === null) return null
  return fitCalibration(validation, calibration)
}

/** By the operating point; else the model's own, which say nothing of other probabilities; else by best F1. */
function thresholdsOf(
  { point, thresholds, calibration, ownCalibration = null }: Task,
  predictions: Predictions,
  validation: Predictions | null,
): readonly (number | null)[] | null {
  if (point?.rule === 'fixed') return operatingPoints(predictions, point)
  const own = calibration === null || (calibration === 'none' && ownCalibration === null)
  if (point === null && thresholds !== null && own) return thresholds
  return validation === null ? null : operatingPoints(validation, point ?? { rule: 'max_f1' })
}
