/**
 * Class activation maps (Zhou et al., CVPR 2016, arXiv:1512.04150) in closed form: with a linear layer w, b on features A that
 * are averaged over P positions, the logit is y_c = b_c + sum_p heat_cp, heat_cp = sum_k w_ck A_kp / P. That is HiResCAM there,
 * without any gradient.
 */
import type { LinearClassifier } from '../../predict/onnx-classifier.js'
import type { NamedTensor } from '../../predict/runtime.js'
import type { Heatmap } from '../heatmap.js'
import type { ExportedMethod } from './method.js'

/** Single precision of sums over a thousand channels, as a share of the sum of their sizes. */
const NEAR = 1e-5

/**
 * @param features [1, channels, H, W]
 * @param labels whose maps are wanted
 */
export function classActivationMaps(
  { data, dims }: NamedTensor,
  { weight }: LinearClassifier,
  labels: readonly number[],
): Heatmap[] {
  const [, channels, ...shape] = dims
  const positions = shape.reduce((product, side) => product * side, 1)
  return labels.map((label) => {
    const sums = new Float64Array(positions)
    for (let channel = 0; channel < channels; channel++) {
      const share = weight[label * channels + channel] / positions
      for (let at = 0; at < positions; at++) sums[at] += share * data[channel * positions + at]
    }
    return { shape, values: Float32Array.from(sums) }
  })
}

/**
 * Whether the maps and the bias sum to the logits, which tells for any head whether the closed form is its own.
 *
 * @param logits [1, labels] of the same image
 */
export function givesLogits(
  features: NamedTensor,
  classifier: LinearClassifier,
  logits: Float32Array,
): boolean {
  const { weight, bias } = classifier
  const channels = features.dims[1]
  const means = channelMeans(features)
  return logits.every((logit, label) => {
    let [sum, size] = [bias[label], Math.abs(bias[label])]
    for (let channel = 0; channel < channels; channel++) {
      const part = weight[label * channels + channel] * means[channel]
      sum += part
      size += Math.abs(part)
    }
    return Math.abs(sum - logit) <= NEAR * size
  })
}

function channelMeans({ data, dims }: NamedTensor): Float64Array {
  const positions = dims.slice(2).reduce((product, side) => product * side, 1)
  return Float64Array.from({ length: dims[1] }, (_, channel) => {
    let sum = 0
    for (let at = channel * positions; at < (channel + 1) * positions; at++) sum += data[at]
    return sum / positions
  })
}

export const cam: ExportedMethod = {
  title: 'CAM',
  unit: 'part of the logit',
  reads: 'features',
  explain: ({ classifier }, { features, logits }, labels) =>
    classifier === null || !givesLogits(features, classifier, logits.data)
      ? null
      : classActivationMaps(features, classifier, labels),
}
