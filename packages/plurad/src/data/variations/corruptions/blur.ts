import { gaussianBlur } from '../../augment/operations/gaussian-blur.js'
import { corruptionBy } from './corruption.js'

/** The side for which amounts are given; they scale with the image, so that the same of the body is blurred. */
const SIDE = 224

/** Gaussian blur, as of movement and poor focus. */
export const blur = corruptionBy(
  gaussianBlur,
  { name: 'blur', amount: 'standard deviation, pixels of 224', amounts: [0.5, 1, 1.5, 2, 3] },
  (pixels, size) => {
    const sigma = Math.max(0.01, (pixels * size) / SIDE)
    return { sigma: [sigma, sigma] }
  },
)
