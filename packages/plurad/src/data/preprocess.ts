import { DataError } from '../errors.js'
import { toGrey, type DecodedImage } from './image.js'
import type { Preprocessing } from './preprocessing.js'
import { resize, type Window } from './resize.js'

/** The value of the grid that stands for 1. */
const GRID_MAX = 65535
const GRID_STEP = 1 / GRID_MAX

/** Longest side that an image is resized to before the crop, pixels: three hundred times a usual size. */
const LONGEST = 2 ** 16

/**
 * @returns [channels, size, size] in [0, 1], on the grid of multiples of 1/65535
 * @throws DataError where the image is so much longer than wide that nearly nothing of it is left in a square
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
  const { size, channels, interpolation } = preprocessing
  const source = channels === 1 ? toGrey(image) : image
  const { outWidth, outHeight, window, left, top } = place(source.width, source.height, preprocessing)
  if (Math.max(outWidth, outHeight) > LONGEST)
    throw new DataError(
      `an image of ${source.width} x ${source.height} pixels is a line, of which a square shows next to nothing: cut it, or ` +
        'take data.resize=stretch or letterbox',
    )
  const planes = resize(source, { outWidth, outHeight, interpolation, window })
  const plane = size * size
  const grid = new Uint16Array(channels * plane)
  for (let channel = 0, from = 0; channel < source.channels; channel++) {
    for (let row = 0; row < window.height; row++) {
      let to = channel * plane + (top + row) * size + left
      // Clamped: bicubic overshoots, rounding of the weights can pass 1 by an ulp, and 65536 would wrap round to black.
      for (let column = 0; column < window.width; column++) {
        grid[to++] = Math.max(0, Math.min(GRID_MAX, planes[from++] * GRID_MAX + 0.5))
      }
    }
  }
  for (let channel = source.channels; channel < channels; channel++)
    grid.copyWithin(channel * plane, 0, plane)
  return grid
}

/** Writes `grid / 65535` to `values` from `offset` on. */
export function gridToFloat(grid: Uint16Array, values: Float32Array, offset: number): void {
  const count = grid.length
  let at = 0
  // Four a turn: half the time. The product is, for all 65,536 values, the quotient in single precision.
  for (; at + 3 < count; at += 4) {
    values[offset + at] = grid[at] * GRID_STEP
    values[offset + at + 1] = grid[at + 1] * GRID_STEP
    values[offset + at + 2] = grid[at + 2] * GRID_STEP
    values[offset + at + 3] = grid[at + 3] * GRID_STEP
  }
  for (; at < count; at++) values[offset + at] = grid[at] * GRID_STEP
}

/**
 * Size to resize to, the part of it that is used, and where in the square that goes. A cut is made out of the square, so
 * that it can be made later as well; torchvision makes it out of the rectangle, which can round to the neighbouring pixel
 * unless `resize_to - size` is a multiple of 4.
 */
export function place(
  width: number,
  height: number,
  { size, resize_to: resizeTo, resize: rule }: Pick<Preprocessing, 'size' | 'resize_to' | 'resize'>,
): { outWidth: number; outHeight: number; window: Window; left: number; top: number } {
  const square = resizeTo ?? size
  const reference = rule === 'crop' ? Math.min(width, height) : Math.max(width, height)
  const resized = (length: number): number => {
    if (rule === 'stretch' || length === reference) return square
    const exact = (square * length) / reference
    // Truncated as torchvision does.
    return rule === 'crop' ? Math.trunc(exact) : Math.max(1, Math.round(exact))
  }
  const outWidth = resized(width)
  const outHeight = resized(height)
  const margin = halfEven(square - size)
  const along = (length: number) => {
    const offset = (rule === 'crop' ? halfEven(length - square) : -Math.floor((square - length) / 2)) + margin
    const from = Math.max(0, offset)
    return { from, to: Math.max(0, -offset), length: Math.min(length, offset + size) - from }
  }
  const x = along(outWidth)
  const y = along(outHeight)
  const window = { left: x.from, top: y.from, width: x.length, height: y.length }
  return { outWidth, outHeight, window, left: x.to, top: y.to }
}

/**
 * The centre of square planes; what `resize_to` gives, to the bit, out of images that were loaded without cutting.
 *
 * @param planes [count, from, from]
 * @returns [count, to, to]
 */
export function centreCrop<T extends Float32Array | Uint16Array>(planes: T, from: number, to: number): T {
  if (from === to) return planes
  const margin = halfEven(from - to)
  const count = planes.length / (from * from)
  const length = count * to * to
  const result = (planes instanceof Float32Array ? new Float32Array(length) : new Uint16Array(length)) as T
  for (let row = 0; row < count * to; row++) {
    const start = (Math.floor(row / to) * from + margin + (row % to)) * from + margin
    result.set(planes.subarray(start, start + to), row * to)
  }
  return result
}

/** Half of a margin, rounded as Python's `round` does (halves to even): torchvision's `CenterCrop` uses that. */
function halfEven(margin: number): number {
  const half = Math.floor(margin / 2)
  return margin % 2 === 1 && half % 2 === 1 ? half + 1 : half
}
