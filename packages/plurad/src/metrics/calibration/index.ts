export { applyCalibration, calibrate } from './apply.js'
export { CALIBRATION_METHODS, fitCalibration } from './fit.js'
export { operatingPoints, type OperatingPoint } from './operating-points.js'
export {
  calibrationSchema,
  type Calibration,
  type CalibrationMethod,
  type LabelCalibration,
} from './schema.js'
