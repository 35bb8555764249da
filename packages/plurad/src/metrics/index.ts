export { auc, rocCurve, type RocCurve } from './auc.js'
export { averagePrecision, precisionRecallCurve, type PrecisionRecallCurve } from './average-precision.js'
export * from './calibration/index.js'
export {
  hasBothClasses,
  labelColumn,
  labelColumns,
  rankLabel,
  rankLabels,
  type LabelColumn,
  type RankedLabel,
} from './column.js'
export { confusionAt, type Confusion, type ConfusionMetric } from './confusion.js'
export {
  compareMethods,
  type Comparison,
  type ComparedMethod,
  type CompareOptions,
  type MethodResult,
} from './comparison.js'
export * from './ensembles/index.js'
export { ageAttribute, columnAttribute, metadataAttributes, type Attribute } from './attributes.js'
export { bestF1Threshold } from './f1.js'
export { fprAtTpr } from './fpr-at-tpr.js'
export { DEFAULT_BOUNDS, groupLabels, LABEL_GROUPS, type GroupBounds, type LabelGroup } from './groups.js'
export { imageMetricNames, imageMetrics, type ImageMetricName } from './images/registry.js'
export * from './intervals/index.js'
export {
  evaluateMultilabel,
  type GroupMetrics,
  type LabelMetrics,
  type MacroMetrics,
  type MeasuredMetrics,
  type MultilabelMetrics,
  type OverallMetrics,
} from './multilabel.js'
export type { JudgedMetrics } from './judge.js'
export { readPredictionsNpz } from './npz.js'
export type { OdirScore } from './odir.js'
export {
  labelMetricNames,
  labelMetrics,
  lowerIsBetter,
  type LabelMetric,
  type LabelMetricName,
} from './registry.js'
export { reliabilityBins, type ReliabilityBin } from './reliability.js'
export type { Robustness } from './robustness.js'
export { argsortDescending } from './sort.js'
export {
  evaluateSubgroups,
  SUBGROUP_RULE,
  type AttributeSubgroups,
  type Subgroup,
  type Subgroups,
} from './subgroups.js'
export { maxF1Thresholds } from './thresholds.js'
