import { DataError } from '../../errors.js'
import { auc } from '../auc.js'
import { hasBothClasses, type RankedLabel } from '../column.js'
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
 * It takes every image for an independent case. Where patients have several images it is too narrow: use the
 * bootstrap over patients.
 *
 * @param level Coverage, in (0, 1).
 * @returns null with fewer than two images of either class.
 */
export function delong(ranked: RankedLabel, level = 0.95): DelongAuc | null {
  const value = auc(ranked.column)
  if (value === null || !measurable(ranked)) return null
  const { positives, negatives } = placements(ranked)
  const variance =
    covariance(positives, positives) / positives.length + covariance(negatives, negatives) / negatives.length
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
 * The difference of two models' AUC on the same images, which are correlated: DeLong's paired test.
 *
 * @throws DataError when the two have not the same images and truth
 */
export function delongDifference(a: RankedLabel, b: RankedLabel, level = 0.95): DelongDifference | null {
  const [aucA, aucB] = [auc(a.column), auc(b.column)]
  if (aucA === null || aucB === null || !measurable(a)) return null
  const [of, and] = [placements(a), placements(b)]
  if (!sameRows(of.positiveRows, and.positiveRows) || !sameRows(of.negativeRows, and.negativeRows)) {
    throw new DataError(`${a.column.label}: a paired test needs the same images with the same truth.`)
  }
  const part = (x: Float64Array, y: Float64Array): number =>
    (covariance(x, x) + covariance(y, y) - 2 * covariance(x, y)) / x.length
  const variance = Math.max(0, part(of.positives, and.positives) + part(of.negatives, and.negatives))
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

function measurable({ column }: RankedLabel): boolean {
  return hasBothClasses(column) && column.positives > 1 && column.negatives > 1
}

interface Placements {
  /** For each positive image, the share of negatives that it scores above, ties counting half; rows rising. */
  positives: Float64Array
  positiveRows: Uint32Array
  /** For each negative image, the share of positives that score above it. */
  negatives: Float64Array
  negativeRows: Uint32Array
}

function placements({ column, rows, truth, ends }: RankedLabel): Placements {
  const size = rows.reduce((most, row) => Math.max(most, row + 1), 0)
  // By row, so that two models' placements stand in the same order.
  const share = new Float64Array(size)
  const kind = new Uint8Array(size)
  let place = 0
  let [positivesBefore, negativesBefore] = [0, 0]
  for (let g = 0; g < ends.length; g++) {
    const tiedPositives = column.truePositives[g] - positivesBefore
    const tiedNegatives = column.falsePositives[g] - negativesBefore
    const below = column.negatives - column.falsePositives[g]
    for (; place < ends[g]; place++) {
      const row = rows[place]
      kind[row] = truth[place] === 1 ? 1 : 2
      share[row] =
        truth[place] === 1
          ? (below + tiedNegatives / 2) / column.negatives
          : (positivesBefore + tiedPositives / 2) / column.positives
    }
    positivesBefore = column.truePositives[g]
    negativesBefore = column.falsePositives[g]
  }
  const rowsOf = (wanted: number): Uint32Array =>
    Uint32Array.from(rows)
      .sort()
      .filter((row) => kind[row] === wanted)
  const [positiveRows, negativeRows] = [rowsOf(1), rowsOf(2)]
  const valuesAt = (of: Uint32Array): Float64Array => Float64Array.from(of, (row) => share[row])
  return {
    positives: valuesAt(positiveRows),
    positiveRows,
    negatives: valuesAt(negativeRows),
    negativeRows,
  }
}

function covariance(x: Float64Array, y: Float64Array): number {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(x), mean(y)]
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += (x[i] - meanX) * (y[i] - meanY)
  return sum / (x.length - 1)
}

function sameRows(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((row, i) => row === b[i])
}
