/** From predictions to metrics, with calibration, thresholds and intervals as they were asked for. */
import {
  allIntervals,
  applyCalibration,
  bootstrap,
  evaluateMultilabel,
  fitCalibration,
  groupLabels,
  labelColumns,
  operatingPoints,
  reliabilityBins,
  type Calibration,
  type CalibrationMethod,
  type MeasuredMetrics,
  type MetricsIntervals,
  type OperatingPoint,
  type ReliabilityBin,
} from '../metrics/index.js'
import type { Predictions } from '../metrics/predictions.js'
import type { BootstrapChoice } from './bootstrap-flags.js'

interface Task {
  predictions: Predictions
  /** Used unless an operating point is named. */
  thresholds: readonly (number | null)[] | null
  validation: Predictions | null
  /** Positive training images of each label, for the groups. */
  trainingCounts: readonly number[] | null
  point: OperatingPoint | null
  calibration: CalibrationMethod | null
  bootstrap: BootstrapChoice | null
}

/** What `metrics.json` of an evaluation holds. */
interface JudgedMetrics extends MeasuredMetrics {
  /** How thresholds were chosen, where that was asked for. */
  operating_point?: OperatingPoint
  calibration?: {
    method: CalibrationMethod
    parameters: Calibration
    /** Means over labels, without the calibration. */
    before: { brier: number | null; ece: number | null }
    reliability: { label: string; before: ReliabilityBin[]; after: ReliabilityBin[] }[]
  }
  intervals?: MetricsIntervals
}

export interface Judgement {
  metrics: JudgedMetrics
  /** Calibrated, where that was asked for. */
  predictions: Predictions
}

export function judge(task: Task, onProgress: (done: number, of: number) => void): Judgement {
  const { calibration: method, trainingCounts } = task
  const parameters =
    method === null || task.validation === null ? null : fitCalibration(task.validation, method)
  const calibrated = (predictions: Predictions): Predictions =>
    parameters === null ? predictions : applyCalibration(parameters, predictions)
  const predictions = calibrated(task.predictions)
  const validation = task.validation === null ? null : calibrated(task.validation)
  const thresholds = thresholdsOf(task, predictions, validation, parameters !== null)
  const groups = trainingCounts === null ? undefined : groupLabels(trainingCounts)
  const metrics: JudgedMetrics = evaluateMultilabel(predictions, thresholds ?? undefined, groups)
  if (task.point !== null) metrics.operating_point = task.point
  if (method !== null && parameters !== null) {
    const { brier, ece } = evaluateMultilabel(task.predictions).macro
    const [before, after] = [labelColumns(task.predictions), labelColumns(predictions)]
    metrics.calibration = {
      method,
      parameters,
      before: { brier, ece },
      reliability: before.map((column, c) => ({
        label: column.label,
        before: reliabilityBins(column),
        after: reliabilityBins(after[c]),
      })),
    }
  }
  if (task.bootstrap !== null) {
    const { repetitions, seed, method: interval } = task.bootstrap
    const distribution = bootstrap(predictions, {
      repetitions,
      seed,
      jackknife: interval === 'bca',
      onProgress,
      ...(thresholds === null ? {} : { thresholds }),
      ...(groups === undefined ? {} : { groups }),
    })
    metrics.intervals = allIntervals(distribution, task.bootstrap)
  }
  return { metrics, predictions }
}

/** By the operating point; else the model's own, which say nothing of calibrated probabilities; else by best F1. */
function thresholdsOf(
  { point, thresholds }: Task,
  predictions: Predictions,
  validation: Predictions | null,
  isCalibrated: boolean,
): readonly (number | null)[] | null {
  if (point?.rule === 'fixed') return operatingPoints(predictions, point)
  if (point === null && thresholds !== null && !isCalibrated) return thresholds
  return validation === null ? null : operatingPoints(validation, point ?? { rule: 'max_f1' })
}
