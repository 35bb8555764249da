import { translation } from '../geometry.js'
import { geometric } from '../operation.js'

/**
 * Cuts a square of side `data.size` out of the image of side `data.resize_to`, anywhere; torchvision's `RandomCrop`. The
 * same in evaluation comes out of the centre.
 */
export const randomCrop = geometric({
  name: 'random_crop',
  summary: 'cut data.size pixels out of data.resize_to, anywhere instead of the centre',
  settings: {},
  p: null,
  crops: true,
  fill: () => null,
  draw(_, random, { size, target }) {
    const offset = (): number => random.integer(size - target + 1) - (size - target) / 2
    return translation(offset(), offset())
  },
})
