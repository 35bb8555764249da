import type { Predictions } from '../predictions.js'

/** One image's labels of known truth: what every metric of one image is computed from. */
export interface ImageRow {
  /** Labels of known truth, L; only so many places of the arrays count. */
  count: number
  scores: Float64Array
  /** 1 present, 0 absent. */
  truth: Uint8Array
  /** 1 called present, 0 called absent, 2 where the label has no threshold. */
  called: Uint8Array
}

/** Not called either way. */
export const UNDECIDED = 2

/** A number for one image; null where the image does not count. */
export type ImageMetric = (row: ImageRow) => number | null

/** Calls `visit` for every image that has a label of known truth; the row is the same object each time. */
export function eachImage(
  { labels, images, scores, truth }: Predictions,
  thresholds: readonly (number | null)[],
  visit: (row: ImageRow, index: number) => void,
): void {
  const row: ImageRow = {
    count: 0,
    scores: new Float64Array(labels.length),
    truth: new Uint8Array(labels.length),
    called: new Uint8Array(labels.length),
  }
  for (let image = 0; image < images.length; image++) {
    row.count = 0
    for (let c = 0; c < labels.length; c++) {
      const at = image * labels.length + c
      if (Number.isNaN(truth[at])) continue
      const threshold = thresholds[c] ?? null
      row.scores[row.count] = scores[at]
      row.truth[row.count] = truth[at]
      row.called[row.count] = threshold === null ? UNDECIDED : Number(scores[at] >= threshold)
      row.count++
    }
    if (row.count > 0) visit(row, image)
  }
}
