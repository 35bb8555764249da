import { evenly } from '../inspect/evenly.js'
import { THUMBNAIL_SIZE } from '../inspect/image-facts.js'

const SIZE = THUMBNAIL_SIZE
const AREA = SIZE * SIZE
const BITS = 64

/** As many images are enough to know the medians of all. */
const MEDIAN_SAMPLE = 4096

/** 64 bits an image: `high[i]` and `low[i]`. */
export interface Hashes {
  high: Uint32Array
  low: Uint32Array
}

/** The 64 lowest frequencies [row, column] after the mean, in zigzag order. */
const frequencies: readonly (readonly [number, number])[] = Array.from(
  { length: SIZE * SIZE },
  (_, at): [number, number] => [Math.floor(at / SIZE), at % SIZE],
)
  .sort(([a, b], [c, d]) => a + b - (c + d) || a - c)
  .slice(1, BITS + 1)

const HIGHEST = Math.max(...frequencies.flat())

/** cos(pi (2 x + 1) k / 32) by k, then x. */
const cosines = Float32Array.from({ length: (HIGHEST + 1) * SIZE }, (_, at) =>
  Math.cos((Math.PI * (2 * (at % SIZE) + 1) * Math.floor(at / SIZE)) / (2 * SIZE)),
)

/**
 * Perceptual hashes: one bit for each of the 64 lowest frequencies of the cosine transform, set where the image has
 * more of it than the median image of this data set. A common threshold (Zauner, 2010, takes each image's own median)
 * would give all chest radiographs nearly the same bits; against the data set's medians every bit divides it in halves.
 *
 * @param thumbnails [n, 16, 16], see `ImageFacts.thumbnail`
 */
export function perceptualHashes(thumbnails: Int8Array): Hashes {
  const count = thumbnails.length / AREA
  const medians = medianCoefficients(thumbnails)
  const hashes = { high: new Uint32Array(count), low: new Uint32Array(count) }
  const coefficients = new Float32Array(BITS)
  for (let image = 0; image < count; image++) {
    transform(thumbnails, image, coefficients)
    for (let bit = 0; bit < BITS; bit++) {
      if (coefficients[bit] <= medians[bit]) continue
      // Neighbouring frequencies go to different ends: they are alike, and the search wants parts that are not.
      const word = bit % 2 === 0 ? hashes.high : hashes.low
      const place = (bit >> 2) + 16 * ((bit >> 1) & 1)
      word[image] |= 1 << place
    }
  }
  return hashes
}

function medianCoefficients(thumbnails: Int8Array): Float32Array {
  const sample = evenly(thumbnails.length / AREA, MEDIAN_SAMPLE)
  const columns = Array.from({ length: BITS }, () => new Float32Array(sample.length))
  const coefficients = new Float32Array(BITS)
  sample.forEach((image, row) => {
    transform(thumbnails, image, coefficients)
    coefficients.forEach((value, bit) => (columns[bit][row] = value))
  })
  return Float32Array.from(columns, median)
}

const partial = new Float32Array(SIZE * (HIGHEST + 1))

/** Two-dimensional DCT-II without its constant factors, at `frequencies`. */
function transform(thumbnails: Int8Array, image: number, coefficients: Float32Array): void {
  for (let row = 0, from = image * AREA; row < SIZE; row++, from += SIZE) {
    for (let k = 0; k <= HIGHEST; k++) {
      let sum = 0
      for (let x = 0; x < SIZE; x++) sum += thumbnails[from + x] * cosines[k * SIZE + x]
      partial[row * (HIGHEST + 1) + k] = sum
    }
  }
  for (let at = 0; at < BITS; at++) {
    const [down, across] = frequencies[at]
    let sum = 0
    for (let row = 0; row < SIZE; row++)
      sum += partial[row * (HIGHEST + 1) + across] * cosines[down * SIZE + row]
    coefficients[at] = sum
  }
}

/** Of 0 values, 0. */
export function median(values: Float32Array): number {
  const sorted = values.slice().sort()
  const middle = sorted.length >> 1
  if (sorted.length === 0) return 0
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
