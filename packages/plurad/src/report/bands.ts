/** How far the curves of a label would lie elsewhere in another sample of the same patients. */
import { Random } from '../data/random.js'
import {
  drawClusters,
  hasBothClasses,
  patientClusters,
  quantile,
  rankLabels,
  reliabilityBins,
  type Interval,
  type LabelColumn,
  type ReliabilityBin,
} from '../metrics/index.js'
import { recount } from '../metrics/column.js'
import type { Predictions } from '../metrics/predictions.js'

/** Where bands are measured: false positive rates of a ROC curve, recalls of a precision-recall curve. */
export const GRID: readonly number[] = Array.from({ length: 101 }, (_, i) => i / 100)

/** A curve with its band, at every place of {@link GRID}. */
export interface Band {
  value: Float64Array
  low: Float64Array
  high: Float64Array
}

export interface LabelBands {
  /** True positive rate at a false positive rate. */
  roc: Band
  /** Precision at a recall; that at 0 is the one of the first image found. */
  precisionRecall: Band
  /** The share of positives in every bin of the probability. */
  reliability: { bin: ReliabilityBin; interval: Interval | null }[]
}

export interface BandOptions {
  repetitions: number
  seed: number
  /** Coverage at each place, in (0, 1). */
  level: number
}

/** A bin must have images in this share of the samples to have an interval. */
const LEAST_DEFINED = 0.9

/**
 * Vertical bands, pointwise, from samples of the patients with replacement: the same samples as `bootstrap` draws with
 * that seed. Percentile intervals at each place of the grid; a band holds each point of the curve with that chance, not
 * the whole curve. Macskassy and Provost, ROCAI (2004).
 *
 * @returns [C] null for a label without both classes
 */
export function curveBands(
  predictions: Predictions,
  { repetitions, seed, level }: BandOptions,
): (LabelBands | null)[] {
  const clusters = patientClusters(predictions.patients)
  const labels = rankLabels(predictions).map((ranked) =>
    hasBothClasses(ranked.column)
      ? {
          ranked,
          weightOf: ranked.rows.map((row) => clusters.of[row]),
          column: {
            ...ranked.column,
            truePositives: ranked.column.truePositives.slice(),
            falsePositives: ranked.column.falsePositives.slice(),
          },
          // [place][R], so that a place's values are next to each other when they are sorted.
          samples: Array.from(pointsOf(ranked.column), () => new Float64Array(repetitions)),
        }
      : null,
  )
  const weights = new Float64Array(clusters.count)
  for (let repetition = 0; repetition < repetitions; repetition++) {
    drawClusters(new Random(seed, repetition), weights)
    for (const label of labels) {
      if (label === null) continue
      recount(label.ranked, label.weightOf, weights, label.column)
      pointsOf(label.column).forEach((value, place) => (label.samples[place][repetition] = value))
    }
  }
  return labels.map((label) => {
    if (label === null) return null
    const values = pointsOf(label.ranked.column)
    const intervals = label.samples.map((samples) => percentiles(samples, level))
    const band = (first: number): Band => {
      const part = intervals.slice(first, first + GRID.length)
      const value = values.slice(first, first + GRID.length)
      return {
        value,
        low: Float64Array.from(part, (interval, i) => interval?.[0] ?? value[i]),
        high: Float64Array.from(part, (interval, i) => interval?.[1] ?? value[i]),
      }
    }
    return {
      roc: band(0),
      precisionRecall: band(GRID.length),
      reliability: reliabilityBins(label.ranked.column).map((bin, b) => ({
        bin,
        interval: bin.images === 0 ? null : intervals[2 * GRID.length + b],
      })),
    }
  })
}

/** True positive rates, then precisions, then shares of positives a bin; NaN where one is not defined. */
function pointsOf(column: LabelColumn): Float64Array {
  const rates = hasBothClasses(column)
    ? [rocAt(column), precisionAt(column)]
    : [GRID.map(() => NaN), GRID.map(() => NaN)]
  const shares = reliabilityBins(column).map(({ images, positives }) => positives / images)
  return Float64Array.from([...rates.flat(), ...shares])
}

/** True positive rates at the false positive rates of the grid: on the straight lines between points. */
function rocAt({ truePositives, falsePositives, positives, negatives }: LabelColumn): number[] {
  let g = -1
  return GRID.map((rate) => {
    const wanted = rate * negatives
    while (g + 1 < falsePositives.length && falsePositives[g + 1] <= wanted) g++
    const [tp, fp] = g < 0 ? [0, 0] : [truePositives[g], falsePositives[g]]
    if (g + 1 >= falsePositives.length) return 1
    const share = (wanted - fp) / (falsePositives[g + 1] - fp)
    return (tp + share * (truePositives[g + 1] - tp)) / positives
  })
}

/** Precision at the highest threshold that reaches each recall of the grid. */
function precisionAt({ truePositives, falsePositives, positives }: LabelColumn): number[] {
  let g = 0
  return GRID.map((recall) => {
    // A thousandth of an image below, as the product may round up.
    const wanted = Math.max(1e-3, recall * positives - 1e-3)
    while (truePositives[g] < wanted) g++
    return truePositives[g] / (truePositives[g] + falsePositives[g])
  })
}

function percentiles(samples: Float64Array, level: number): Interval | null {
  const sorted = samples.filter((value) => !Number.isNaN(value)).sort()
  if (sorted.length < LEAST_DEFINED * samples.length) return null
  return [quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2)]
}
