/**
 * HiResCAM (Draelos and Carin, arXiv:2011.08891): heat_p = sum_k dy/dA_kp A_kp, with its sign. With a linear layer on
 * pooled features the values sum to the logit less its bias, and no position is lit that the model did not use.
 */
import { weighFeatureMap } from './feature-map.js'
import { defineMethod, noOptions } from './method.js'

export const hiresCam = defineMethod({
  title: 'HiResCAM',
  paper: 'Draelos and Carin, Use HiResCAM instead of Grad-CAM, arXiv:2011.08891',
  unit: 'part of the logit',
  options: noOptions,
  resolution: 'map',
  explain: (question) =>
    weighFeatureMap(question, ({ activations, gradients, channels, positions }) => {
      const sums = new Float64Array(positions)
      for (let channel = 0; channel < channels; channel++)
        for (let at = 0; at < positions; at++)
          sums[at] += gradients[channel * positions + at] * activations[channel * positions + at]
      return sums
    }),
})
