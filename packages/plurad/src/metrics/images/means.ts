import type { Predictions } from '../predictions.js'
import { imageMetricNames, imageMetrics, type ImageMetricName } from './registry.js'
import { eachImage } from './row.js'

export type ImageMeans = Record<ImageMetricName, number | null>

/** Sums over the images of each cluster (patient), from which means with any weights of the clusters follow. */
export interface ImageSums {
  /** [K] a metric. */
  sums: Float64Array[]
  /** [K] a metric: images that count. */
  counts: Float64Array[]
}

/**
 * @param clusterOf [N] the cluster of each image, in 0..K-1.
 */
export function imageSums(
  predictions: Predictions,
  thresholds: readonly (number | null)[],
  clusterOf: Uint32Array,
  clusters: number,
): ImageSums {
  const sums = imageMetricNames.map(() => new Float64Array(clusters))
  const counts = imageMetricNames.map(() => new Float64Array(clusters))
  const metrics = imageMetricNames.map((name) => imageMetrics[name])
  eachImage(predictions, thresholds, (row, image) => {
    const cluster = clusterOf[image]
    for (const [m, metric] of metrics.entries()) {
      const value = metric(row)
      if (value === null) continue
      sums[m][cluster] += value
      counts[m][cluster]++
    }
  })
  return { sums, counts }
}

/** The means over images, each counted as often as its cluster's weight says; null where no image counts. */
export function imageMeans({ sums, counts }: ImageSums, weights: Float64Array): ImageMeans {
  const entries = imageMetricNames.map((name, m) => {
    let [sum, count] = [0, 0]
    for (let k = 0; k < weights.length; k++) {
      sum += weights[k] * sums[m][k]
      count += weights[k] * counts[m][k]
    }
    return [name, count === 0 ? null : sum / count] as const
  })
  return Object.fromEntries(entries) as ImageMeans
}
