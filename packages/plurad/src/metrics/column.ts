import { DataError } from '../errors.js'
import type { Predictions } from './predictions.js'
import { argsortDescending } from './sort.js'

/**
 * One label's scores and truth, without the images whose truth is unknown: what every metric of one label
 * is computed from. The scores are sorted once, here, and all ranking metrics share the order.
 */
export interface LabelColumn {
  label: string
  /** [M] scores of the images with known truth; any real number, higher means more likely present. */
  scores: Float64Array
  /** [M] 1 present, 0 absent. */
  truth: Uint8Array
  /** [M] indices that sort `scores` from high to low. */
  order: Uint32Array
  positives: number
  negatives: number
  /** Images left out because their truth is unknown. */
  unknown: number
  /** Decision threshold: present when `score >= threshold`; null where none is known. */
  threshold: number | null
}

/**
 * Builds a column from bare arrays.
 *
 * @param scores [N] scores, no NaN.
 * @param truth [N] 1 present, 0 absent, NaN unknown.
 */
export function labelColumn(scores: ArrayLike<number>, truth: ArrayLike<number>): LabelColumn {
  if (scores.length !== truth.length) {
    throw new DataError(
      `Metrics need a truth for every score: found ${scores.length} scores, ${truth.length} truths.`,
    )
  }
  const keptScores = new Float64Array(scores.length)
  const keptTruth = new Uint8Array(scores.length)
  let kept = 0
  let positives = 0
  for (let i = 0; i < scores.length; i++) {
    const present = truth[i]
    if (Number.isNaN(present)) continue
    keptScores[kept] = scores[i]
    keptTruth[kept] = present
    positives += present
    kept++
  }
  const known = keptScores.subarray(0, kept)
  return {
    label: '',
    scores: known,
    truth: keptTruth.subarray(0, kept),
    order: argsortDescending(known),
    positives,
    negatives: kept - positives,
    unknown: scores.length - kept,
    threshold: null,
  }
}

/**
 * Splits predictions into one column a label.
 *
 * @throws DataError when the arrays do not fit together, a score is NaN, or a truth is not 1, 0 or NaN.
 */
export function labelColumns(predictions: Predictions): LabelColumn[] {
  const { labels, images, scores, truth } = predictions
  const size = images.length * labels.length
  if (scores.length !== size || truth.length !== size) {
    throw new DataError(
      `Predictions of ${images.length} images and ${labels.length} labels need ${size} scores and truths: ` +
        `found ${scores.length} scores and ${truth.length} truths.`,
    )
  }
  return labels.map((label, c) => {
    const columnScores = new Float64Array(images.length)
    const columnTruth = new Float64Array(images.length)
    for (let row = 0; row < images.length; row++) {
      const at = row * labels.length + c
      const score = scores[at]
      const present = truth[at]
      if (Number.isNaN(score)) {
        throw new DataError(
          `The score of image '${images[row]}' for label '${label}' is not a number (NaN). ` +
            `Metrics need a number for every image and label: check the model's output for this image.`,
        )
      }
      if (present !== 0 && present !== 1 && !Number.isNaN(present)) {
        throw new DataError(
          `The truth of image '${images[row]}' for label '${label}' is ${present}: expected 1, 0 or unknown (NaN).`,
        )
      }
      columnScores[row] = score
      columnTruth[row] = present
    }
    return { ...labelColumn(columnScores, columnTruth), label }
  })
}

/** Whether the label has both positives and negatives, without which nothing can be ranked or told apart. */
export function hasBothClasses(column: LabelColumn): boolean {
  return column.positives > 0 && column.negatives > 0
}

/**
 * Walks the scores from high to low, one call for each group of equal scores, with the counts of true and
 * false positives among all scores down to and including the group.
 */
export function walkThresholds(
  column: LabelColumn,
  visit: (threshold: number, truePositives: number, falsePositives: number) => void,
): void {
  const { scores, truth, order } = column
  let truePositives = 0
  for (let i = 0; i < order.length; i++) {
    const score = scores[order[i]]
    truePositives += truth[order[i]]
    if (i + 1 < order.length && scores[order[i + 1]] === score) continue
    visit(score, truePositives, i + 1 - truePositives)
  }
}
