import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { decodeImageBlocking, splitReference } from '../formats/decode.js'
import { imageFormats } from '../formats/registry.js'
import type { DecodedImage } from '../image.js'
import type { Preprocessing } from '../preprocessing.js'
import { resize } from '../resize.js'
import { applyRange } from '../value-range.js'

/** Which of a file's values become black and white. */
export type ImageReading = Pick<Preprocessing, 'window' | 'bits'>

/** Bins of `ImageFacts.histogram`, over full scale. */
export const HISTOGRAM_BINS = 32

/** Side of `ImageFacts.thumbnail`. */
export const THUMBNAIL_SIZE = 16

/** `ImageFacts.thumbnail` holds so many steps a standard deviation. */
const STEPS_A_DEVIATION = 32

/** What reading one file once can tell of it; small, as a data set has one for every image. */
export interface ImageFacts {
  /** As people know it, such as `PNG`. */
  format: string
  /** Of the file. */
  bytes: number
  width: number
  height: number
  channels: 1 | 3
  /** Bits a value. */
  bits: 8 | 16
  /** Three channels that are the same throughout: grey, stored as colour. */
  greyInColour: boolean
  /** Hash over size and pixels, not over the file: a copy in another lossless format has the same. */
  digest: string
  /** Least, greatest and mean value, standard deviation: of full scale, in [0, 1]. */
  low: number
  high: number
  mean: number
  deviation: number
  /** Share of full scale that holds 99 % of the values: near 0 for an empty image. */
  spread: number
  /** Values by `HISTOGRAM_BINS` equal parts of full scale, as shares that sum to 1. */
  histogram: Float32Array
  /**
   * [16, 16] of the whole image in grey, stretched to a square, less its mean, in 32nds of its standard deviation:
   * what looks alike has thumbnails that correlate, whatever its brightness and contrast.
   */
  thumbnail: Int8Array
  /** What the reader has to say of the file's values. */
  warning?: string
}

/**
 * @param reference a path, or `path#part`
 * @throws DataError naming the file, for one that cannot be read
 */
export async function factsOf(reference: string, reading: ImageReading): Promise<ImageFacts> {
  const { format, bytes } = describeFile(splitReference(reference).path)
  const image = await readImage(reference, reading)
  const { width, height, channels, maxValue, warning } = image
  return {
    format,
    bytes,
    width,
    height,
    channels,
    bits: maxValue === 255 ? 8 : 16,
    greyInColour: isGreyInColour(image),
    digest: digestOf(image),
    ...valuesOf(image),
    thumbnail: thumbnailOf(image),
    ...(warning !== undefined && { warning }),
  }
}

/** Decodes one image, its values brought to full scale. */
export async function readImage(reference: string, reading: ImageReading): Promise<DecodedImage> {
  return applyRange(await decodeImageBlocking(reference, reading.window), reading)
}

/** The file's format by its first bytes, and its size; a file that is not there is left to the decoder to report. */
function describeFile(path: string): { format: string; bytes: number } {
  try {
    const file = openSync(path, 'r')
    try {
      const head = new Uint8Array(512)
      const length = readSync(file, head, 0, head.length, 0)
      const format = imageFormats.find((candidate) => candidate.matches(head.subarray(0, length)))
      return { format: format?.name ?? 'unknown', bytes: fstatSync(file).size }
    } finally {
      closeSync(file)
    }
  } catch {
    return { format: 'unknown', bytes: 0 }
  }
}

function digestOf({ width, height, channels, maxValue, data }: DecodedImage): string {
  return createHash('sha256')
    .update(`${width} ${height} ${channels} ${maxValue} `)
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('base64')
    .slice(0, 22)
}

function isGreyInColour({ channels, data }: DecodedImage): boolean {
  if (channels === 1) return false
  for (let at = 0; at < data.length; at += 3) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return false
  }
  return true
}

/** Levels that `spread` is measured in. */
const LEVELS = 256

function valuesOf({
  data,
  maxValue,
}: DecodedImage): Pick<ImageFacts, 'low' | 'high' | 'mean' | 'deviation' | 'spread' | 'histogram'> {
  const counts = new Uint32Array(maxValue + 1)
  // All else follows from the counts: nothing more is done a pixel.
  for (let at = 0; at < data.length; at++) counts[data[at]]++
  const levels = new Uint32Array(LEVELS)
  const histogram = new Float32Array(HISTOGRAM_BINS)
  let [low, high, sum, squares] = [maxValue as number, 0, 0, 0]
  for (let value = 0; value <= maxValue; value++) {
    const count = counts[value]
    if (count === 0) continue
    low = Math.min(low, value)
    high = value
    sum += count * value
    squares += count * value * value
    levels[Math.floor((value * LEVELS) / (maxValue + 1))] += count
    histogram[Math.floor((value * HISTOGRAM_BINS) / (maxValue + 1))] += count / data.length
  }
  const mean = sum / data.length
  const deviation = Math.sqrt(Math.max(0, squares / data.length - mean * mean))
  return {
    low: low / maxValue,
    high: high / maxValue,
    mean: mean / maxValue,
    deviation: deviation / maxValue,
    spread: narrowest(levels, 0.99 * data.length) / LEVELS,
    histogram,
  }
}

/** The least number of neighbouring levels that hold so many values. */
function narrowest(counts: Uint32Array, wanted: number): number {
  let best = counts.length
  let held = 0
  for (let first = 0, end = 0; first < counts.length; held -= counts[first++]) {
    while (held < wanted && end < counts.length) held += counts[end++]
    if (held < wanted) break
    best = Math.min(best, end - first)
  }
  return best
}

function thumbnailOf(image: DecodedImage): Int8Array {
  const grey = greySquare(image, THUMBNAIL_SIZE)
  standardise(grey)
  return Int8Array.from(grey, (value) => clamp(Math.round(value * STEPS_A_DEVIATION), 127))
}

/** The whole image in grey, [size, size], in [0, 1]; its proportions are not kept. */
export function greySquare(image: DecodedImage, size: number): Float32Array {
  const planes = resize(image, { outWidth: size, outHeight: size })
  if (image.channels === 1) return planes
  const area = size * size
  return Float32Array.from(
    { length: area },
    (_, at) => 0.299 * planes[at] + 0.587 * planes[at + area] + 0.114 * planes[at + 2 * area],
  )
}

/** Mean 0 and standard deviation 1, in place; all 0 for an image without any contrast. */
function standardise(values: Float32Array): void {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  // Below a 2,000th of full scale there is nothing but rounding.
  const scale = variance > 2.5e-7 ? 1 / Math.sqrt(variance) : 0
  values.forEach((value, at) => (values[at] = (value - mean) * scale))
}

export function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value))
}
