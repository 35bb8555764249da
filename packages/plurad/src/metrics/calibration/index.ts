export { applyCalibration } from './apply.js'
export { calibrate } from './calibrate.js'
export { CALIBRATION_METHODS, fitCalibration } from './fit.js'
export { operatingPoints, type OperatingPoint } from './operating-points.js'
export {
  calibrationSchema,
  type Calibration,
  type CalibrationMethod,
  type LabelCalibration,
} from './schema.js'
export { summariseCalibration, type CalibrationSummary } from './summary.js'
