import type { ImageRow } from './row.js'

/**
 * Coverage error: how far down the image's ranked labels one has to read to meet all that are present.
 *
 * The number of labels that score at least as high as the lowest present one; 0 for an image without a finding, as in
 * scikit-learn. Tsoumakas, Katakis and Vlahavas (2010).
 */
export function coverageError({ count, scores, truth }: ImageRow): number {
  let lowest = Infinity
  for (let c = 0; c < count; c++) if (truth[c] === 1 && scores[c] < lowest) lowest = scores[c]
  let depth = 0
  for (let c = 0; c < count; c++) if (scores[c] >= lowest) depth++
  return depth
}
