/**
 * Grad-CAM (Selvaraju et al., ICCV 2017, arXiv:1610.02391): with the logit y, the map A and its positions p,
 * w_k = mean_p dy/dA_kp; heat_p = max(0, sum_k w_k A_kp).
 */
import { weighFeatureMap, weightedSum } from './feature-map.js'
import { defineMethod, noOptions } from './method.js'

export const gradCam = defineMethod({
  title: 'Grad-CAM',
  paper: 'Selvaraju et al., Grad-CAM, ICCV 2017, arXiv:1610.02391',
  unit: 'mean gradient times activation',
  options: noOptions,
  resolution: 'map',
  explain: (question) =>
    weighFeatureMap(question, (map) => {
      const { gradients, channels, positions } = map
      const weights = new Float64Array(channels)
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0
        for (let at = 0; at < positions; at++) sum += gradients[channel * positions + at]
        weights[channel] = sum / positions
      }
      return weightedSum(map, weights)
    }),
})
