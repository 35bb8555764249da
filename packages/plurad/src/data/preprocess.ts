import { toGrey, type DecodedImage } from './image.js'
import type { Preprocessing, ResizeRule } from './preprocessing.js'
import { resizeBilinear, type Window } from './resize.js'

/** The value of the grid that stands for 1. */
const GRID_MAX = 65535

/**
 * @returns [channels, size, size] in [0, 1], on the grid of multiples of 1/65535
 */
export function preprocess(image: DecodedImage, preprocessing: Preprocessing): Float32Array<ArrayBuffer> {
  const grid = preprocessToGrid(image, preprocessing)
  const values = new Float32Array(grid.length)
  gridToFloat(grid, values, 0)
  return values
}

/**
 * The same in 16-bit fixed point, 65535 standing for 1. Half the memory of floats, so that is what a cache keeps;
 * and because every value goes over this grid, cached and freshly decoded pixels are the same to the last bit.
 *
 * @returns [channels, size, size]
 */
export function preprocessToGrid(
  image: DecodedImage,
  preprocessing: Preprocessing,
): Uint16Array<ArrayBuffer> {
  const { size, channels, resize } = preprocessing
  const source = channels === 1 ? toGrey(image) : image
  const { width, height, data, maxValue } = source
  const { outWidth, outHeight, window, left, top } = place(width, height, size, resize)
  const planes = resizeBilinear(data, width, height, source.channels, maxValue, outWidth, outHeight, window)
  const plane = size * size
  const grid = new Uint16Array(channels * plane)
  for (let channel = 0, from = 0; channel < source.channels; channel++) {
    for (let row = 0; row < window.height; row++) {
      let to = channel * plane + (top + row) * size + left
      // Clamped: rounding of the weights can pass 1 by an ulp, and 65536 would wrap round to black.
      for (let column = 0; column < window.width; column++) {
        grid[to++] = Math.min(GRID_MAX, planes[from++] * GRID_MAX + 0.5)
      }
    }
  }
  for (let channel = source.channels; channel < channels; channel++)
    grid.copyWithin(channel * plane, 0, plane)
  return grid
}

/** Writes `grid / 65535` to `values` from `offset` on. */
export function gridToFloat(grid: Uint16Array, values: Float32Array, offset: number): void {
  for (let at = 0; at < grid.length; at++) values[offset + at] = grid[at] / GRID_MAX
}

/** Size to resize to, the part of it that is used, and where in the square that goes. */
function place(
  width: number,
  height: number,
  size: number,
  rule: ResizeRule,
): { outWidth: number; outHeight: number; window: Window; left: number; top: number } {
  if (rule === 'crop') {
    const shorter = Math.min(width, height)
    const outWidth = width === shorter ? size : Math.trunc((size * width) / shorter)
    const outHeight = height === shorter ? size : Math.trunc((size * height) / shorter)
    const window = {
      left: halfEven(outWidth - size),
      top: halfEven(outHeight - size),
      width: size,
      height: size,
    }
    return { outWidth, outHeight, window, left: 0, top: 0 }
  }
  const longer = Math.max(width, height)
  const outWidth = rule === 'stretch' ? size : Math.max(1, Math.round((size * width) / longer))
  const outHeight = rule === 'stretch' ? size : Math.max(1, Math.round((size * height) / longer))
  const left = Math.floor((size - outWidth) / 2)
  const top = Math.floor((size - outHeight) / 2)
  return { outWidth, outHeight, window: { left: 0, top: 0, width: outWidth, height: outHeight }, left, top }
}

/** Half of a margin, rounded as Python's `round` does (halves to even): torchvision's `CenterCrop` uses that. */
function halfEven(margin: number): number {
  const half = Math.floor(margin / 2)
  return margin % 2 === 1 && half % 2 === 1 ? half + 1 : half
}
