import { z } from 'zod'
import { intensity, interval } from '../operation.js'
import { clamp, imagesOf, luma } from '../pixels.js'

const BINS = 256

/**
 * Contrast-limited adaptive histogram equalisation (Zuiderveld 1994): in each tile of a grid, values are replaced by the
 * share of the tile that is darker; no grey value counts for more than `clip_limit` times its even share; between the
 * middles of tiles their curves are mixed. Within a grey value of OpenCV's `createCLAHE`, without its rounding to whole
 * ones. Of colour images the luma is equalised and its change added to all three channels.
 */
export const clahe = intensity({
  name: 'clahe',
  summary: 'equalise contrast tile by tile (CLAHE)',
  settings: {
    clip_limit: interval({ min: 1, max: 256 }, [1, 4]),
    /** Tiles along each side. */
    tiles: z.int().min(1).max(64).default(8),
  },
  p: 0.5,
  apply({ clip_limit: limit, tiles }, picture, random) {
    const clip = random.range(limit[0], limit[1])
    for (const image of imagesOf(picture)) {
      const grey = luma(image, picture)
      const equalised = equalise(grey, picture.size, clip, tiles)
      for (let at = 0; at < image.length; at++) {
        const place = at % grey.length
        image[at] = clamp(image[at] + equalised[place] - grey[place])
      }
    }
  },
})

/** Entries of a tile's curve: one a bin, and one more so that there is always a next one. */
const CURVE = BINS + 1

/** Which two tiles a row or column lies between the middles of, and how near to the second. */
function neighbours(size: number, side: number, tiles: number) {
  const position = Float64Array.from({ length: size }, (_, at) => at / side - 0.5)
  const first = Int32Array.from(position, (value) => Math.max(0, Math.floor(value)))
  const second = Int32Array.from(position, (value) => Math.min(tiles - 1, Math.floor(value) + 1))
  return { first, second, share: position.map((value) => value - Math.floor(value)) }
}

/** @param grey [size, size] in [0, 1] */
function equalise(grey: Float32Array, size: number, clip: number, tiles: number): Float32Array {
  const side = Math.ceil(size / tiles)
  const curves = new Float32Array(tiles * tiles * CURVE)
  for (let tile = 0; tile < tiles * tiles; tile++) {
    const curve = curves.subarray(tile * CURVE, (tile + 1) * CURVE)
    writeCurve(grey, size, (tile % tiles) * side, Math.floor(tile / tiles) * side, side, clip, curve)
  }
  const { first, second, share } = neighbours(size, side, tiles)
  const result = new Float32Array(size * size)
  for (let y = 0, at = 0; y < size; y++) {
    const upper = first[y] * tiles
    const lower = second[y] * tiles
    for (let x = 0; x < size; x++, at++) {
      const level = grey[at] * (BINS - 1)
      const low = level | 0
      const rest = level - low
      const read = (tile: number): number => {
        const place = tile * CURVE + low
        return curves[place] + rest * (curves[place + 1] - curves[place])
      }
      const above = read(upper + first[x]) * (1 - share[x]) + read(upper + second[x]) * share[x]
      const below = read(lower + first[x]) * (1 - share[x]) + read(lower + second[x]) * share[x]
      result[at] = above * (1 - share[y]) + below * share[y]
    }
  }
  return result
}

/** Bin to grey value in [0, 1]. What of a tile is beyond the picture is reflected, as OpenCV does. */
function writeCurve(
  grey: Float32Array,
  size: number,
  left: number,
  top: number,
  side: number,
  clip: number,
  curve: Float32Array,
): void {
  const histogram = new Int32Array(BINS)
  const inside = (position: number): number =>
    position < size ? position : Math.max(0, 2 * size - 2 - position)
  const columns = Int32Array.from({ length: side }, (_, x) => inside(left + x))
  for (let y = top; y < top + side; y++) {
    const row = inside(y) * size
    for (let x = 0; x < side; x++) {
      const bin = (grey[row + columns[x]] * (BINS - 1) + 0.5) | 0
      histogram[bin] = histogram[bin] + 1
    }
  }
  limit(histogram, Math.max(1, Math.trunc((clip * side * side) / BINS)))
  for (let bin = 0, sum = 0; bin < BINS; bin++) {
    sum += histogram[bin]
    curve[bin] = sum / (side * side)
  }
  curve[BINS] = curve[BINS - 1]
}

/** Cuts counts off at `most` and spreads what was cut over all bins, what is left of that over evenly spaced ones. */
function limit(histogram: Int32Array, most: number): void {
  let cut = 0
  histogram.forEach((count, bin) => {
    if (count <= most) return
    cut += count - most
    histogram[bin] = most
  })
  const each = Math.floor(cut / BINS)
  let rest = cut - each * BINS
  histogram.forEach((count, bin) => (histogram[bin] = count + each))
  if (rest === 0) return
  const step = Math.max(1, Math.floor(BINS / rest))
  for (let bin = 0; bin < BINS && rest > 0; bin += step, rest--) histogram[bin] = histogram[bin] + 1
}
