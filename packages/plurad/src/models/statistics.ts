/** What heads and losses learn from the labels of the training split before training starts. */
import type { LabelValue } from '../data/dataset.js'
import type { LabelStatistics } from './head.js'

/** @param rows labels of each image, 1, 0 or null for unknown */
export function labelStatistics(rows: Iterable<readonly LabelValue[]>, labels: number): LabelStatistics {
  const known = new Array<number>(labels).fill(0)
  const together = Array.from({ length: labels }, () => new Array<number>(labels).fill(0))
  let images = 0
  for (const row of rows) {
    images++
    for (let label = 0; label < labels; label++) {
      const value = row[label]
      if (value === null) continue
      known[label]++
      if (value !== 1) continue
      for (let other = 0; other < labels; other++) if (row[other] === 1) together[label][other]++
    }
  }
  return { images, known, positives: together.map((row, label) => row[label]), together }
}
