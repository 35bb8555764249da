import { labelColumns, type LabelColumn } from '../column.js'
import type { Predictions } from '../predictions.js'
import { fitIsotonic } from './isotonic.js'
import { fitPlatt } from './platt.js'
import type { Calibration, CalibrationMethod, LabelCalibration } from './schema.js'
import { fitTemperature } from './temperature.js'

const methods: Record<CalibrationMethod, (column: LabelColumn) => LabelCalibration | null> = {
  temperature: fitTemperature,
  platt: fitPlatt,
  isotonic: fitIsotonic,
}

export const CALIBRATION_METHODS = Object.keys(methods) as readonly CalibrationMethod[]

/**
 * Fits a calibration, label by label. A calibration is no operating point: it changes what a score means, not where
 * the line is drawn.
 *
 * @param validation Of the validation split, never of the images that calibration is then judged on.
 */
export function fitCalibration(validation: Predictions, method: CalibrationMethod): Calibration {
  return labelColumns(validation).map(methods[method])
}
