import { intensity, interval } from '../operation.js'
import { clamp } from '../pixels.js'

/** `f x` with f out of `factor`; torchvision's `adjust_brightness`. */
export const brightness = intensity({
  name: 'brightness',
  summary: 'multiply by a factor',
  settings: { factor: interval({ min: 0, max: 4 }, [0.9, 1.1]) },
  p: 1,
  apply({ factor }, { pixels }, random) {
    const f = random.range(factor[0], factor[1])
    for (let at = 0; at < pixels.length; at++) pixels[at] = clamp(f * pixels[at])
  },
})
