/**
 * Grad-CAM++ (Chattopadhay et al., WACV 2018, arXiv:1710.11063): with g = dy/dA of the logit y,
 * a_kp = g_kp^2 / (2 g_kp^2 + sum_q A_kq g_kp^3), w_k = sum_p a_kp max(0, g_kp), heat_p = max(0, sum_k w_k A_kp). That is
 * the paper's closed form for the score exp(y), without the factor exp(y), which is the same at all positions.
 */
import { weighFeatureMap, weightedSum } from './feature-map.js'
import { defineMethod, noOptions } from './method.js'

/** Keeps the quotient finite; what public implementations add. */
const EPS = 1e-7

export const gradCamPlusPlus = defineMethod({
  title: 'Grad-CAM++',
  paper: 'Chattopadhay et al., Grad-CAM++, WACV 2018, arXiv:1710.11063',
  unit: 'weighted gradient times activation',
  options: noOptions,
  resolution: 'map',
  explain: (question) =>
    weighFeatureMap(question, (map) => {
      const { activations, gradients, channels, positions } = map
      const weights = new Float64Array(channels)
      for (let channel = 0; channel < channels; channel++) {
        const start = channel * positions
        let mass = 0
        for (let at = start; at < start + positions; at++) mass += activations[at]
        for (let at = start; at < start + positions; at++) {
          const g = gradients[at]
          if (g > 0) weights[channel] += (g * g * g) / (2 * g * g + mass * g * g * g + EPS)
        }
      }
      return weightedSum(map, weights)
    }),
})
