import { Random, shuffled } from '../data/random.js'
import { patientClusters } from './intervals/clusters.js'
import type { Predictions } from './predictions.js'

/**
 * Some of the images.
 *
 * @param rows In the order wanted, each in 0..N-1.
 */
export function selectImages(predictions: Predictions, rows: readonly number[]): Predictions {
  const { labels, images, patients } = predictions
  const count = labels.length
  const select = (values: Float64Array): Float64Array => {
    const selected = new Float64Array(rows.length * count)
    rows.forEach((row, i) => selected.set(values.subarray(row * count, (row + 1) * count), i * count))
    return selected
  }
  return {
    labels,
    images: rows.map((row) => images[row]),
    patients: rows.map((row) => patients[row]),
    scores: select(predictions.scores),
    truth: select(predictions.truth),
  }
}

/**
 * Two parts without a patient in both, for predictions that come without a validation split.
 *
 * @param share Of the patients in the first part, in (0, 1).
 */
export function splitByPatient(
  predictions: Predictions,
  share: number,
  seed: number,
): [first: Predictions, second: Predictions] {
  const { of, count } = patientClusters(predictions.patients)
  const order = shuffled(
    Array.from({ length: count }, (_, cluster) => cluster),
    new Random(seed),
  )
  const chosen = new Set(order.slice(0, Math.round(share * count)))
  const rows = Array.from(predictions.images.keys())
  return [
    selectImages(
      predictions,
      rows.filter((row) => chosen.has(of[row])),
    ),
    selectImages(
      predictions,
      rows.filter((row) => !chosen.has(of[row])),
    ),
  ]
}
