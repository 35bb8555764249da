/** Intervals of shares and means over images that are not independent of each other. */
import { Random } from '../../data/random.js'
import { drawClusters, quantile, type Clusters, type Interval } from '../../metrics/intervals/index.js'
import { normalQuantile } from '../../metrics/intervals/normal.js'

/**
 * Wilson's score interval of a share (Wilson, JASA 22, 1927), for images of which several are one patient's: in the place of
 * their number stands the number of independent images that would say as much, n / deff with
 * deff = variance between clusters / variance of independent images, at least 1 (Korn and Graubard, Survey Methodology 24,
 * 1998). Where all images agree, that number is the number of patients.
 */
export function clusteredWilson(hits: readonly boolean[], clusters: Clusters, level = 0.95): Interval {
  const n = hits.length
  const share = hits.filter(Boolean).length / n
  const z = normalQuantile(1 - (1 - level) / 2)
  const effective = effectiveNumber(hits, share, clusters)
  const centre = (share + z ** 2 / (2 * effective)) / (1 + z ** 2 / effective)
  const half =
    (z / (1 + z ** 2 / effective)) *
    Math.sqrt((share * (1 - share)) / effective + z ** 2 / (4 * effective ** 2))
  // The ends are 0 and 1 exactly there, which rounding would miss.
  return [share === 0 ? 0 : centre - half, share === 1 ? 1 : centre + half]
}

function effectiveNumber(hits: readonly boolean[], share: number, { of, count }: Clusters): number {
  if (share === 0 || share === 1 || count < 2) return count
  const residuals = new Float64Array(count)
  hits.forEach((hit, i) => (residuals[of[i]] += Number(hit) - share))
  const between =
    (residuals.reduce((sum, value) => sum + value ** 2, 0) / hits.length ** 2) * (count / (count - 1))
  const independent = (share * (1 - share)) / hits.length
  return hits.length / Math.max(1, between / independent)
}

const REPETITIONS = 2000

/** Percentile bootstrap of a mean, patients drawn with replacement: all images of one come and go together. */
export function clusteredBootstrap(
  values: readonly number[],
  { of, count }: Clusters,
  level = 0.95,
): Interval {
  const [sums, numbers] = [new Float64Array(count), new Float64Array(count)]
  values.forEach((value, i) => {
    sums[of[i]] += value
    numbers[of[i]]++
  })
  const weights = new Float64Array(count)
  const means = Float64Array.from({ length: REPETITIONS }, (_, repetition) => {
    drawClusters(new Random(0, repetition), weights)
    let [sum, number] = [0, 0]
    weights.forEach((weight, cluster) => {
      sum += weight * sums[cluster]
      number += weight * numbers[cluster]
    })
    return sum / number
  }).sort()
  return [quantile(means, (1 - level) / 2), quantile(means, (1 + level) / 2)]
}
