import { DataError } from '../errors.js'
import type { Predictions } from './predictions.js'
import { argsortDescending } from './sort.js'

/**
 * One label's scores and truth as what every metric of one label is computed from: how many images with and without
 * the finding score at least so high. Images of unknown truth are left out. Counts may be sums of weights, as a
 * bootstrap makes them.
 */
export interface LabelColumn {
  label: string
  /** [G] the distinct scores, from high to low; any real numbers, higher means more likely present. */
  scores: Float64Array
  /** [G] images with the finding that score at least `scores[g]`. */
  truePositives: Float64Array
  /** [G] images without it that score at least `scores[g]`. */
  falsePositives: Float64Array
  positives: number
  negatives: number
  /** Images left out because their truth is unknown. */
  unknown: number
  /** Decision threshold: present when `score >= threshold`; null where none is known. */
  threshold: number | null
}

/** The images of a label from the highest score to the lowest, so that they can be counted again with other weights. */
export interface RankedLabel {
  /** Each image counted once. */
  column: LabelColumn
  /** [M] the image at each place, as its row among all N. */
  rows: Uint32Array
  /** [M] 1 present, 0 absent, at each place. */
  truth: Uint8Array
  /** [G] the place after the last image of each distinct score. */
  ends: Uint32Array
}

/**
 * Ranks bare arrays. The scores are sorted once, here; all metrics and all bootstraps share the order.
 *
 * @param scores [N] scores, no NaN.
 * @param truth [N] 1 present, 0 absent, NaN unknown.
 */
export function rankLabel(scores: ArrayLike<number>, truth: ArrayLike<number>, label = ''): RankedLabel {
  if (scores.length !== truth.length) {
    throw new DataError(
      `Metrics need a truth for every score: found ${scores.length} scores, ${truth.length} truths.`,
    )
  }
  const known = new Float64Array(scores.length)
  const knownRows = new Uint32Array(scores.length)
  let count = 0
  for (let row = 0; row < scores.length; row++) {
    if (Number.isNaN(truth[row])) continue
    known[count] = scores[row]
    knownRows[count] = row
    count++
  }
  const order = argsortDescending(known.subarray(0, count))
  const rows = new Uint32Array(count)
  const present = new Uint8Array(count)
  const distinct = new Float64Array(count)
  const ends = new Uint32Array(count)
  let groups = 0
  for (let place = 0; place < count; place++) {
    const score = known[order[place]]
    rows[place] = knownRows[order[place]]
    present[place] = truth[rows[place]]
    if (place === 0 || score !== distinct[groups - 1]) distinct[groups++] = score
    ends[groups - 1] = place + 1
  }
  const column: LabelColumn = {
    label,
    scores: distinct.slice(0, groups),
    truePositives: new Float64Array(groups),
    falsePositives: new Float64Array(groups),
    positives: 0,
    negatives: 0,
    unknown: scores.length - count,
    threshold: null,
  }
  const ranked = { column, rows, truth: present, ends: ends.slice(0, groups) }
  let positives = 0
  let place = 0
  for (let g = 0; g < groups; g++) {
    for (; place < ranked.ends[g]; place++) positives += present[place]
    column.truePositives[g] = positives
    column.falsePositives[g] = place - positives
  }
  column.positives = positives
  column.negatives = count - positives
  return ranked
}

/** A column from bare arrays; as {@link rankLabel}. */
export function labelColumn(scores: ArrayLike<number>, truth: ArrayLike<number>): LabelColumn {
  return rankLabel(scores, truth).column
}

/**
 * Counts a label's images again, each as often as its weight says, in one pass and without sorting.
 *
 * @param weightOf [M] which weight the image at each place has.
 * @param weights At least 0.
 * @param into A column of the label whose counts are overwritten.
 */
export function recount(
  { truth, ends }: RankedLabel,
  weightOf: Uint32Array,
  weights: Float64Array,
  into: LabelColumn,
): void {
  const { truePositives, falsePositives } = into
  let all = 0
  let positives = 0
  let place = 0
  for (let g = 0; g < ends.length; g++) {
    for (const end = ends[g]; place < end; place++) {
      const weight = weights[weightOf[place]]
      all += weight
      positives += weight * truth[place]
    }
    truePositives[g] = positives
    falsePositives[g] = all - positives
  }
  into.positives = positives
  into.negatives = all - positives
}

/**
 * Ranks predictions, one ranking a label.
 *
 * @throws DataError when the arrays do not fit together, a score is NaN, or a truth is not 1, 0 or NaN.
 */
export function rankLabels(predictions: Predictions): RankedLabel[] {
  const { labels, images, scores, truth } = predictions
  const size = images.length * labels.length
  if (scores.length !== size || truth.length !== size) {
    throw new DataError(
      `Predictions of ${images.length} images and ${labels.length} labels need ${size} scores and truths: ` +
        `found ${scores.length} scores and ${truth.length} truths.`,
    )
  }
  const columnScores = new Float64Array(images.length)
  const columnTruth = new Float64Array(images.length)
  return labels.map((label, c) => {
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
    return rankLabel(columnScores, columnTruth, label)
  })
}

/** One column a label; as {@link rankLabels}. */
export function labelColumns(predictions: Predictions): LabelColumn[] {
  return rankLabels(predictions).map(({ column }) => column)
}

/** Whether the label has both positives and negatives, without which nothing can be ranked or told apart. */
export function hasBothClasses(column: LabelColumn): boolean {
  return column.positives > 0 && column.negatives > 0
}
