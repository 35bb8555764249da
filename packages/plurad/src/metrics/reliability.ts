import type { LabelColumn } from './column.js'

/** Images whose probability lies in one bin. */
export interface ReliabilityBin {
  /** The bin holds probabilities in (low, high]; the first one 0 too. */
  low: number
  high: number
  images: number
  positives: number
  /** Sum of the probabilities; over `images`, their mean. */
  probabilities: number
}

/**
 * What a reliability diagram shows: in each bin of the probability the share of positives should equal the mean
 * probability.
 *
 * @param column Its scores must be probabilities.
 * @param count Bins of equal width over [0, 1].
 */
export function reliabilityBins(column: LabelColumn, count = 15): ReliabilityBin[] {
  const { scores, truePositives, falsePositives } = column
  // The edges as numpy.linspace has them, so that a score on an edge falls where scikit-learn puts it.
  const step = 1 / count
  const edge = (bin: number): number => (bin === count ? 1 : bin * step)
  const bins = Array.from({ length: count }, (_, bin) => ({
    low: edge(bin),
    high: edge(bin + 1),
    images: 0,
    positives: 0,
    probabilities: 0,
  }))
  let at = count - 1
  let [positivesBefore, negativesBefore] = [0, 0]
  for (let g = 0; g < scores.length; g++) {
    while (at > 0 && scores[g] <= bins[at].low) at--
    const positives = truePositives[g] - positivesBefore
    const images = positives + falsePositives[g] - negativesBefore
    const bin = bins[at]
    bin.images += images
    bin.positives += positives
    bin.probabilities += images * scores[g]
    positivesBefore = truePositives[g]
    negativesBefore = falsePositives[g]
  }
  return bins
}
