import type { ImageRow } from './row.js'

/**
 * Ranking loss of one image: the share of its pairs of a present and an absent label in which the absent one scores
 * at least as high (a tie is wrong). In [0, 1]; 0 for an image with no label present or with all, as in scikit-learn.
 */
export function rankingLoss({ count, scores, truth }: ImageRow): number {
  let [wrong, present] = [0, 0]
  for (let c = 0; c < count; c++) {
    if (truth[c] === 0) continue
    present++
    for (let other = 0; other < count; other++) {
      if (truth[other] === 0 && scores[other] >= scores[c]) wrong++
    }
  }
  return wrong === 0 ? 0 : wrong / (present * (count - present))
}
