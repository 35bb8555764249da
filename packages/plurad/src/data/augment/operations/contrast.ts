import { intensity, interval } from '../operation.js'
import { clamp, imagesOf, luma, mean } from '../pixels.js'

/** `m + f (x - m)` with f out of `factor` and m the mean grey value; torchvision's `adjust_contrast`. */
export const contrast = intensity({
  name: 'contrast',
  summary: 'pull values away from their mean, or towards it',
  settings: { factor: interval({ min: 0, max: 4 }, [0.9, 1.1]) },
  p: 1,
  apply({ factor }, picture, random) {
    const f = random.range(factor[0], factor[1])
    for (const image of imagesOf(picture)) {
      const rest = (1 - f) * mean(luma(image, picture))
      for (let at = 0; at < image.length; at++) image[at] = clamp(f * image[at] + rest)
    }
  },
})
