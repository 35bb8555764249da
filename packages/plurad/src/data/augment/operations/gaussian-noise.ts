import { intensity, interval } from '../operation.js'
import { clamp } from '../pixels.js'

/** Adds independent normal noise to every pixel. */
export const gaussianNoise = intensity({
  name: 'gaussian_noise',
  summary: 'add normal noise',
  settings: {
    /** Standard deviation, as a share of full scale. */
    std: interval({ min: 0, max: 1 }, [0, 0.02]),
  },
  p: 0.5,
  apply({ std }, { pixels }, random) {
    const deviation = random.range(std[0], std[1])
    for (let at = 0; at < pixels.length; at++) pixels[at] = clamp(pixels[at] + random.normal(0, deviation))
  },
})
