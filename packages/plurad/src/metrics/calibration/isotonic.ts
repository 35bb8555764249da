import { hasBothClasses, type LabelColumn } from '../column.js'
import type { LabelCalibration } from './schema.js'

/**
 * Isotonic regression: the never-falling function of the score that lies closest to the truth in squares, found by
 * pooling neighbours that fall (Ayer et al., Annals of Mathematical Statistics 26, 1955; Zadrozny and Elkan, KDD 2002).
 *
 * It follows any shape, and with few positives it follows their noise: below about 1,000 images take Platt's scaling.
 *
 * @param column Of the validation split.
 * @returns null when one class is missing
 */
export function fitIsotonic(column: LabelColumn): LabelCalibration | null {
  if (!hasBothClasses(column)) return null
  const { scores, truePositives, falsePositives } = column
  const size = scores.length
  /** Blocks of scores, rising, that share one value. */
  const blocks: { positives: number; images: number; scores: number }[] = []
  for (let g = size - 1; g >= 0; g--) {
    const positives = truePositives[g] - (g > 0 ? truePositives[g - 1] : 0)
    const negatives = falsePositives[g] - (g > 0 ? falsePositives[g - 1] : 0)
    let block = { positives, images: positives + negatives, scores: 1 }
    for (let last = blocks.at(-1); last !== undefined; last = blocks.at(-1)) {
      // Whole numbers, so the comparison of two shares is exact.
      if (last.positives * block.images < block.positives * last.images) break
      blocks.pop()
      block = {
        positives: last.positives + block.positives,
        images: last.images + block.images,
        scores: last.scores + block.scores,
      }
    }
    blocks.push(block)
  }
  // A block is a flat piece: its two ends say all.
  const points: { score: number; probability: number }[] = []
  let at = size - 1
  for (const { positives, images, scores: length } of blocks) {
    const probability = positives / images
    points.push({ score: scores[at], probability })
    if (length > 1) points.push({ score: scores[at - length + 1], probability })
    at -= length
  }
  const [first, ...rest] = points
  return {
    method: 'isotonic',
    scores: [first.score, ...rest.map(({ score }) => score)],
    probabilities: [first.probability, ...rest.map(({ probability }) => probability)],
  }
}
