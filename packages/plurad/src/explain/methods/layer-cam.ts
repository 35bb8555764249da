/**
 * LayerCAM (Jiang et al., IEEE TIP 2021, doi:10.1109/TIP.2021.3089943): heat_p = max(0, sum_k max(0, dy/dA_kp) A_kp). Each
 * position is weighed by its own gradient, which the maps of early stages need: there a channel means something else in
 * every place.
 */
import { weighFeatureMap } from './feature-map.js'
import { defineMethod, noOptions } from './method.js'

export const layerCam = defineMethod({
  title: 'LayerCAM',
  paper: 'Jiang et al., LayerCAM, IEEE Transactions on Image Processing 30 (2021), 5875-5888',
  unit: 'rising gradient times activation',
  options: noOptions,
  resolution: 'map',
  explain: (question) =>
    weighFeatureMap(question, ({ activations, gradients, channels, positions }) => {
      const sums = new Float64Array(positions)
      for (let channel = 0; channel < channels; channel++)
        for (let at = 0; at < positions; at++) {
          const i = channel * positions + at
          sums[at] += Math.max(0, gradients[i]) * activations[i]
        }
      return sums.map((sum) => Math.max(0, sum))
    }),
})
