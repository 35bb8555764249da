import { compose, translation, type Transform } from '../geometry.js'
import { geometric, interval } from '../operation.js'

/** Draws before the largest cut in the middle is taken instead. */
const TRIES = 10

/**
 * Cuts a rectangle of random area and proportions out and stretches it to `data.size`; torchvision's
 * `RandomResizedCrop`, whose area begins at 0.08, where most findings would be cut away. With `data.resize_to` the
 * rectangle comes out of an image of that side. Bilinear without antialiasing: it mostly enlarges.
 */
export const randomResizedCrop = geometric({
  name: 'random_resized_crop',
  summary: 'cut a random rectangle out and stretch it to data.size',
  settings: {
    /** Share of the area. */
    scale: interval({ min: 0.01, max: 1 }, [0.7, 1]),
    /** Width over height. */
    ratio: interval({ min: 0.1, max: 10 }, [3 / 4, 4 / 3]),
  },
  p: null,
  crops: true,
  fill: () => 'edge',
  draw({ scale, ratio }, random, { size, target }) {
    for (let turn = 0; turn < TRIES; turn++) {
      const area = size * size * random.range(scale[0], scale[1])
      const aspect = Math.exp(random.range(Math.log(ratio[0]), Math.log(ratio[1])))
      const width = Math.round(Math.sqrt(area * aspect))
      const height = Math.round(Math.sqrt(area / aspect))
      if (width < 1 || height < 1 || width > size || height > size) continue
      return cut(
        size,
        target,
        width,
        height,
        random.integer(size - width + 1),
        random.integer(size - height + 1),
      )
    }
    const width = ratio[1] < 1 ? Math.round(size * ratio[1]) : size
    const height = ratio[0] > 1 ? Math.round(size / ratio[0]) : size
    return cut(size, target, width, height, (size - width) / 2, (size - height) / 2)
  },
})

function cut(
  size: number,
  target: number,
  width: number,
  height: number,
  left: number,
  top: number,
): Transform {
  const middle = translation(left + (width - size) / 2, top + (height - size) / 2)
  return compose(middle, { a: width / target, b: 0, c: 0, d: height / target, tx: 0, ty: 0 })
}
