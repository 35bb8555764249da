export {
  bootstrap,
  differenceOf,
  drawClusters,
  meanOf,
  type BootstrapOptions,
  type Distribution,
} from './bootstrap.js'
export { countCases, patientClusters, type CaseCounts, type Clusters } from './clusters.js'
export { delong, delongDifference, type DelongAuc, type DelongDifference } from './delong.js'
export { figureCases, type Figure } from './figures.js'
export { holm } from './holm.js'
export { keepLabels, labelMeans, setMeanCases } from './label-means.js'
export {
  bootstrapP,
  INTERVAL_METHODS,
  intervalOf,
  quantile,
  type Interval,
  type IntervalMethod,
} from './interval.js'
export { allIntervals, type IntervalsByMetric, type MetricsIntervals } from './metrics-intervals.js'
export { pairedSeedsP, summariseSeeds, type SeedSummary } from './seeds.js'
