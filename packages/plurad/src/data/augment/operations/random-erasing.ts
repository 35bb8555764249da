import { z } from 'zod'
import { intensity, interval } from '../operation.js'
import { imagesOf, mean } from '../pixels.js'

/** Draws before the image is left as it is. */
const TRIES = 10

/**
 * Covers a random rectangle (Zhong et al., 2017, arXiv:1708.04896; torchvision's `RandomErasing`); with `ratio: [1, 1]` and
 * one area a cutout. It can cover the only sign of a finding: keep it small.
 */
export const randomErasing = intensity({
  name: 'random_erasing',
  summary: 'cover a random rectangle',
  settings: {
    /** Share of the area. */
    scale: interval({ min: 0, max: 1 }, [0.02, 0.1]),
    /** Height over width. */
    ratio: interval({ min: 0.1, max: 10 }, [0.3, 3.3]),
    /** Black, the image's mean, or noise. */
    fill: z.enum(['black', 'mean', 'noise']).default('mean'),
  },
  p: 0.5,
  apply({ scale, ratio, fill }, picture, random) {
    const { size } = picture
    for (let turn = 0; turn < TRIES; turn++) {
      const area = size * size * random.range(scale[0], scale[1])
      const aspect = Math.exp(random.range(Math.log(ratio[0]), Math.log(ratio[1])))
      const height = Math.round(Math.sqrt(area * aspect))
      const width = Math.round(Math.sqrt(area / aspect))
      if (height >= size || width >= size) continue
      const top = random.integer(size - height + 1)
      const left = random.integer(size - width + 1)
      for (const image of imagesOf(picture)) {
        for (let start = 0; start < image.length; start += size * size) {
          const plane = image.subarray(start, start + size * size)
          const level = fill === 'mean' ? mean(plane) : 0
          for (let y = top; y < top + height; y++) {
            const row = plane.subarray(y * size + left, y * size + left + width)
            if (fill === 'noise') row.forEach((_, x) => (row[x] = random.next()))
            else row.fill(level)
          }
        }
      }
      return
    }
  },
})
