export { auc, rocCurve, type RocCurve } from './auc.js'
export { averagePrecision, precisionRecallCurve, type PrecisionRecallCurve } from './average-precision.js'
export { hasBothClasses, labelColumn, labelColumns, type LabelColumn } from './column.js'
export { bestF1Threshold, confusionAt, f1At, precisionAt, recallAt, type Confusion } from './f1.js'
export {
  evaluateMultilabel,
  type LabelMetrics,
  type MacroMetrics,
  type MultilabelMetrics,
} from './multilabel.js'
export { labelMetricNames, labelMetrics, type LabelMetric, type LabelMetricName } from './registry.js'
export { argsortDescending } from './sort.js'
export { maxF1Thresholds } from './thresholds.js'
