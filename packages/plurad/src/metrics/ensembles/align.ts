import { DataError } from '../../errors.js'
import type { Predictions } from '../predictions.js'

/**
 * The same images in the same order in all: the first's. What several models say can only be put together, or compared,
 * image by image.
 *
 * @param names Of the sets of predictions, for messages.
 * @throws DataError naming what differs: labels, images, a patient or a truth
 */
export function alignPredictions(all: readonly Predictions[], names: readonly string[]): Predictions[] {
  const [first, ...others] = all
  return [first, ...others.map((other, i) => alignTo(first, names[0], other, names[i + 1]))]
}

function alignTo(first: Predictions, firstName: string, other: Predictions, name: string): Predictions {
  const { labels, images } = first
  const differing = labels.findIndex((label, c) => label !== other.labels[c])
  if (differing >= 0 || labels.length !== other.labels.length) {
    const at = differing >= 0 ? differing : labels.length
    throw new DataError(
      `${name} has other labels than ${firstName}: label ${at + 1} is '${other.labels[at] ?? 'none'}' instead of ` +
        `'${labels[at] ?? 'none'}'. Only models of the same labels in the same order go together.`,
    )
  }
  const rowOf = new Map(other.images.map((image, row) => [image, row]))
  if (images.length !== other.images.length) {
    throw new DataError(
      `${name} has ${other.images.length} images and ${firstName} ${images.length}: only predictions of the same images go together.`,
    )
  }
  const rows = images.map((image) => {
    const row = rowOf.get(image)
    if (row === undefined) {
      throw new DataError(
        `${name} lacks the image '${image}' of ${firstName}: only predictions of the same images go together.`,
      )
    }
    return row
  })
  const scores = new Float64Array(first.scores.length)
  for (const [row, from] of rows.entries()) {
    if (other.patients[from] !== first.patients[row]) {
      throw new DataError(`${name} gives the image '${images[row]}' to another patient than ${firstName}.`)
    }
    for (const [c, label] of labels.entries()) {
      const at = row * labels.length + c
      const [truth, otherTruth] = [first.truth[at], other.truth[from * labels.length + c]]
      if (truth !== otherTruth && !(Number.isNaN(truth) && Number.isNaN(otherTruth))) {
        throw new DataError(
          `${name} and ${firstName} differ in the truth of the image '${images[row]}' for '${label}': were they made on the same labels?`,
        )
      }
      scores[at] = other.scores[from * labels.length + c]
    }
  }
  return { ...first, scores }
}
