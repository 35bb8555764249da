import { labelColumns } from '../column.js'
import { evaluateMultilabel } from '../multilabel.js'
import type { Predictions } from '../predictions.js'
import { reliabilityBins, type ReliabilityBin } from '../reliability.js'
import type { Calibration, CalibrationMethod } from './schema.js'

/** Means over labels. */
interface CalibrationFigures {
  brier: number | null
  ece: number | null
}

/** What a calibration did to one split, as `metrics.json` holds it. */
export interface CalibrationSummary {
  /** `none` where no label could be calibrated. */
  method: CalibrationMethod | 'none'
  parameters: Calibration
  /** Labels that keep their scores, since the validation split says too little of them. */
  uncalibrated: string[]
  before: CalibrationFigures
  after: CalibrationFigures
  reliability: { label: string; before: ReliabilityBin[]; after: ReliabilityBin[] }[]
}

/**
 * @param before Scores as the model gives them.
 * @param after Their calibrated probabilities, of the same images.
 */
export function summariseCalibration(
  parameters: Calibration,
  before: Predictions,
  after: Predictions,
): CalibrationSummary {
  const [raw, calibrated] = [labelColumns(before), labelColumns(after)]
  return {
    method: parameters.find((label) => label !== null)?.method ?? 'none',
    parameters,
    uncalibrated: before.labels.filter((_, c) => parameters[c] === null),
    before: figuresOf(before),
    after: figuresOf(after),
    reliability: raw.map((column, c) => ({
      label: column.label,
      before: reliabilityBins(column),
      after: reliabilityBins(calibrated[c]),
    })),
  }
}

function figuresOf(predictions: Predictions): CalibrationFigures {
  const { brier, ece } = evaluateMultilabel(predictions).macro
  return { brier, ece }
}
