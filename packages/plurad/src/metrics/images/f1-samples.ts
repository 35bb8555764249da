import { UNDECIDED, type ImageRow } from './row.js'

/**
 * F1 of one image over its labels: `2 TP / (2 TP + FP + FN)`. An image that has no finding and is called so counts as
 * 0, as in scikit-learn: among many normal images the mean says little.
 */
export function f1Samples({ count, truth, called }: ImageRow): number | null {
  let [truePositives, wrong, decided] = [0, 0, 0]
  for (let c = 0; c < count; c++) {
    if (called[c] === UNDECIDED) continue
    decided++
    if (called[c] !== truth[c]) wrong++
    else truePositives += truth[c]
  }
  if (decided === 0) return null
  return truePositives === 0 ? 0 : (2 * truePositives) / (2 * truePositives + wrong)
}
