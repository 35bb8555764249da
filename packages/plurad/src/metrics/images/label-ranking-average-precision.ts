import type { ImageRow } from './row.js'

/**
 * Label-ranking average precision of one image: for each present label, the share of present ones among all that
 * score at least as high; the mean of those. In (0, 1]; 1 for an image with no label present or with all, as in
 * scikit-learn.
 */
export function labelRankingAveragePrecision({ count, scores, truth }: ImageRow): number {
  let [sum, present] = [0, 0]
  for (let c = 0; c < count; c++) {
    if (truth[c] === 0) continue
    present++
    let [rank, among] = [0, 0]
    for (let other = 0; other < count; other++) {
      if (scores[other] < scores[c]) continue
      rank++
      among += truth[other]
    }
    sum += among / rank
  }
  return present === 0 || present === count ? 1 : sum / present
}
