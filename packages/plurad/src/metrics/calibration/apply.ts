import { DataError } from '../../errors.js'
import type { Predictions } from '../predictions.js'
import { calibrate } from './calibrate.js'
import type { Calibration } from './schema.js'

/**
 * The same predictions with calibrated probabilities for scores.
 *
 * @throws DataError when the calibration is of another number of labels
 */
export function applyCalibration(calibration: Calibration, predictions: Predictions): Predictions {
  const { labels, scores } = predictions
  if (calibration.length !== labels.length) {
    throw new DataError(
      `Found a calibration of ${calibration.length} labels for predictions of ${labels.length}: expected one a label.`,
    )
  }
  return {
    ...predictions,
    scores: scores.map((score, at) => calibrate(calibration[at % labels.length], score)),
  }
}
