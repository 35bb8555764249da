/** What the methods that weigh a feature map share. */
import { featureGradients } from '../feature-gradients.js'
import type { Answer, Question } from './method.js'

/** Activations and gradients of one label, [channels, positions] each. */
export interface WeighedMap {
  activations: ArrayLike<number>
  gradients: ArrayLike<number>
  channels: number
  positions: number
}

/** One heatmap a label: `weigh` gives the value of each position. */
export function weighFeatureMap(question: Question, weigh: (map: WeighedMap) => Float64Array): Answer {
  const { shape, channels, activations, gradients, stage } = featureGradients(question)
  const positions = shape.reduce((product, side) => product * side, 1)
  const heatmaps = gradients.map((gradient) => ({
    shape,
    values: Float32Array.from(weigh({ activations, gradients: gradient, channels, positions })),
  }))
  return { heatmaps, stage }
}

/** max(0, sum_k w_k A_k) at each position. */
export function weightedSum(
  { activations, channels, positions }: WeighedMap,
  weights: Float64Array,
): Float64Array {
  const sums = new Float64Array(positions)
  for (let channel = 0; channel < channels; channel++)
    for (let at = 0; at < positions; at++)
      sums[at] += weights[channel] * activations[channel * positions + at]
  return sums.map((sum) => Math.max(0, sum))
}
