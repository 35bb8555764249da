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

/** Fewer positives, or fewer negatives, fit their own noise. */
const LEAST_CASES = 10

/**
 * Fits a calibration, label by label. A calibration is no operating point: it changes what a score means, not where
 * the line is drawn.
 *
 * A label keeps its scores (null) with fewer than 10 positives or negatives, and where Platt's slope is not positive: there
 * the validation split finds that scores mean nothing or the opposite, which a calibration would hide and not mend.
 *
 * @param validation Of the validation split, never of the images that calibration is then judged on.
 */
export function fitCalibration(validation: Predictions, method: CalibrationMethod): Calibration {
  return labelColumns(validation).map((column) => {
    if (Math.min(column.positives, column.negatives) < LEAST_CASES) return null
    const fitted = methods[method](column)
    return fitted?.method === 'platt' && fitted.slope <= 0 ? null : fitted
  })
}
