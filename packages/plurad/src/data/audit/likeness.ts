import { evenly } from '../inspect/evenly.js'
import { THUMBNAIL_SIZE } from '../inspect/image-facts.js'
import { median } from './hash.js'

const AREA = THUMBNAIL_SIZE * THUMBNAIL_SIZE

/** As many images are enough to know how the usual one looks. */
const TEMPLATE_SAMPLE = 1000

/** Of a data set with fewer images the median would be made of the very images that are compared. */
const LEAST_FOR_TEMPLATE = 50

/**
 * How the images of a data set usually look: the median of their thumbnails, pixel by pixel.
 *
 * @param thumbnails [n, 16, 16], see `ImageFacts.thumbnail`
 * @returns [16, 16]
 */
export function usualImage(thumbnails: Int8Array): Float32Array {
  const sample = evenly(thumbnails.length / AREA, TEMPLATE_SAMPLE)
  const column = new Float32Array(sample.length)
  return Float32Array.from({ length: AREA }, (_, pixel) => {
    sample.forEach((image, at) => (column[at] = thumbnails[image * AREA + pixel]))
    return median(column)
  })
}

/**
 * Correlates two images by what distinguishes them from the usual one: two chests correlate because they are chests;
 * without that, only what is special to each is left.
 */
export class Likeness {
  readonly #thumbnails: Int8Array
  readonly #usual: Float32Array
  readonly #one = new Float32Array(AREA)
  readonly #other = new Float32Array(AREA)
  /** How alike two images have to be to be worth a closer look. */
  readonly threshold: number

  constructor(thumbnails: Int8Array) {
    this.#thumbnails = thumbnails
    const enough = thumbnails.length / AREA >= LEAST_FOR_TEMPLATE
    this.#usual = enough ? usualImage(thumbnails) : new Float32Array(AREA)
    this.threshold = enough ? 0.95 : 0.98
  }

  /** In [-1, 1]. */
  between(first: number, second: number): number {
    this.#special(first, this.#one)
    this.#special(second, this.#other)
    return correlation(this.#one, this.#other)
  }

  /** An image less the usual one. */
  #special(image: number, into: Float32Array): void {
    for (let pixel = 0; pixel < AREA; pixel++) {
      into[pixel] = this.#thumbnails[image * AREA + pixel] - this.#usual[pixel]
    }
  }
}

/** Pearson's correlation of two lists of one length, in [-1, 1]; 0 where one of them is constant. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [sumA, sumB, aa, bb, ab] = [0, 0, 0, 0, 0]
  for (let at = 0; at < a.length; at++) {
    sumA += a[at]
    sumB += b[at]
    aa += a[at] * a[at]
    bb += b[at] * b[at]
    ab += a[at] * b[at]
  }
  const spread = (aa - (sumA * sumA) / a.length) * (bb - (sumB * sumB) / a.length)
  return spread > 0 ? (ab - (sumA * sumB) / a.length) / Math.sqrt(spread) : 0
}
