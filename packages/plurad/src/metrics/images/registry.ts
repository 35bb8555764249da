import { coverageError } from './coverage-error.js'
import { exactMatch } from './exact-match.js'
import { f1Samples } from './f1-samples.js'
import { labelRankingAveragePrecision } from './label-ranking-average-precision.js'
import { rankingLoss } from './ranking-loss.js'
import type { ImageMetric } from './row.js'

/** The metrics of one image over its labels, by the names of their means in `metrics.json`. */
export const imageMetrics = {
  exact_match: exactMatch,
  f1_samples: f1Samples,
  coverage_error: coverageError,
  label_ranking_average_precision: labelRankingAveragePrecision,
  ranking_loss: rankingLoss,
} satisfies Record<string, ImageMetric>

export type ImageMetricName = keyof typeof imageMetrics

export const imageMetricNames = Object.keys(imageMetrics) as readonly ImageMetricName[]
