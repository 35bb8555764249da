import { DataError } from '../../errors.js'
import { auc } from '../auc.js'
import type { LabelColumn, RankedLabel } from '../column.js'
import type { Clusters } from './clusters.js'
import type { Interval } from './interval.js'
import { normalCdf, normalQuantile } from './normal.js'

/** An AUC with DeLong's variance. */
export interface DelongAuc {
  auc: number
  variance: number
  /** Normal for the logit of the AUC, so that it stays within 0 and 1 and leans the right way near them. */
  interval: Interval
}

export interface DelongDifference {
  /** `auc(a) - auc(b)`. */
  difference: number
  variance: number
  interval: Interval
  /** Null where the difference has no variance, as of a model with itself. */
  z: number | null
  /** Two-sided. */
  p: number
}

/**
 * The AUC with the interval of DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), computed from ranks as Sun and
 * Xu, IEEE Signal Processing Letters 21 (2014) do: linear once the scores are sorted.
 *
 * The interval is made on the logit scale, which covers better near 1 than the plain one (Qin and Hotilovac,
 * Statistical Methods in Medical Research 17, 2008).
 *
 * @param level Coverage, in (0, 1).
 * @param clusters Which images are one patient's, whose scores are alike: Obuchowski, Biometrics 53 (1997). Without them
 *   every image counts as an independent case, and the interval is too narrow where patients have several.
 * @returns null with fewer than two patients (images) of either class.
 */
export function delong(ranked: RankedLabel, level = 0.95, clusters?: Clusters): DelongAuc | null {
  const value = auc(ranked.column)
  const parts = value === null ? null : partsOf(ranked, value, clusters)
  if (value === null || parts === null) return null
  const variance = covariance(parts, parts)
  return { auc: value, variance, interval: logitInterval(value, variance, level) }
}

/** Normal on the logit scale, by the delta method; the AUC itself where it is 0 or 1 and has no variance. */
function logitInterval(value: number, variance: number, level: number): Interval {
  if (variance === 0) return [value, value]
  const centre = Math.log(value / (1 - value))
  const half = (normalQuantile((1 + level) / 2) * Math.sqrt(variance)) / (value * (1 - value))
  return [1 / (1 + Math.exp(half - centre)), 1 / (1 + Math.exp(-half - centre))]
}

/**
 * The difference of two models' AUC on the same images, which are correlated: DeLong's paired test, with `clusters`
 * Obuchowski's.
 *
 * @param clusters As for {@link delong}.
 * @throws DataError when the two have not the same images and truth
 */
export function delongDifference(
  a: RankedLabel,
  b: RankedLabel,
  level = 0.95,
  clusters?: Clusters,
): DelongDifference | null {
  const [aucA, aucB] = [auc(a.column), auc(b.column)]
  if (aucA === null || aucB === null) return null
  const [of, and] = [partsOf(a, aucA, clusters), partsOf(b, aucB, clusters)]
  if (of === null || and === null) return null
  if (of.kinds.length !== and.kinds.length || of.kinds.some((kind, row) => kind !== and.kinds[row])) {
    throw new DataError(`${a.column.label}: a paired test needs the same images with the same truth.`)
  }
  const variance = Math.max(0, covariance(of, of) + covariance(and, and) - 2 * covariance(of, and))
  const difference = aucA - aucB
  const error = Math.sqrt(variance)
  const half = normalQuantile((1 + level) / 2) * error
  const z = error > 0 ? difference / error : null
  return {
    difference,
    variance,
    interval: [difference - half, difference + half],
    z,
    p: z === null ? (difference === 0 ? 1 : 0) : 2 * normalCdf(-Math.abs(z)),
  }
}

/** What each cluster adds to the AUC beside its share, in its positive and in its negative images. */
interface Parts {
  /** [K] sum over a cluster's positive images of the share of negatives that each scores above, less the AUC. */
  positives: Float64Array
  /** [K] the same of its negative images, with the share of positives that score above each. */
  negatives: Float64Array
  /** How many clusters have positive, negative, any images. */
  withPositives: number
  withNegatives: number
  withAny: number
  column: LabelColumn
  /** [N] 1 positive, 2 negative, 0 unknown, by row. */
  kinds: Uint8Array
}

/** Null with fewer than two clusters of either class, which have no variance. Ties count half. */
function partsOf(
  { column, rows, truth, ends }: RankedLabel,
  value: number,
  clusters?: Clusters,
): Parts | null {
  const size = rows.reduce((most, row) => Math.max(most, row + 1), 0)
  const count = clusters?.count ?? size
  const [positives, negatives] = [new Float64Array(count), new Float64Array(count)]
  const [kinds, present] = [new Uint8Array(size), new Uint8Array(count)]
  let place = 0
  let [positivesBefore, negativesBefore] = [0, 0]
  for (let g = 0; g < ends.length; g++) {
    const tiedPositives = column.truePositives[g] - positivesBefore
    const tiedNegatives = column.falsePositives[g] - negativesBefore
    const above = (column.negatives - column.falsePositives[g] + tiedNegatives / 2) / column.negatives
    const below = (positivesBefore + tiedPositives / 2) / column.positives
    for (; place < ends[g]; place++) {
      const row = rows[place]
      const cluster = clusters?.of[row] ?? row
      const positive = truth[place] === 1
      if (positive) positives[cluster] += above - value
      else negatives[cluster] += below - value
      kinds[row] = positive ? 1 : 2
      present[cluster] |= kinds[row]
    }
    positivesBefore = column.truePositives[g]
    negativesBefore = column.falsePositives[g]
  }
  const having = (kind: number): number => present.reduce((sum, seen) => sum + Number((seen & kind) > 0), 0)
  const [withPositives, withNegatives, withAny] = [having(1), having(2), having(3)]
  if (withPositives < 2 || withNegatives < 2) return null
  return { positives, negatives, withPositives, withNegatives, withAny, column, kinds }
}

/** Of two AUCs, or the variance of one. The last part is what a cluster's positive and negative images share. */
function covariance(x: Parts, y: Parts): number {
  const { positives: p, negatives: n } = x.column
  let [both, neither, across] = [0, 0, 0]
  for (let k = 0; k < x.positives.length; k++) {
    both += x.positives[k] * y.positives[k]
    neither += x.negatives[k] * y.negatives[k]
    across += x.positives[k] * y.negatives[k] + x.negatives[k] * y.positives[k]
  }
  const unbiased = (clusters: number): number => clusters / (clusters - 1)
  return (
    (unbiased(x.withPositives) * both) / p ** 2 +
    (unbiased(x.withNegatives) * neither) / n ** 2 +
    (unbiased(x.withAny) * across) / (p * n)
  )
}
