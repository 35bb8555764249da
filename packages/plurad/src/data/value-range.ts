import type { DecodedImage } from './image.js'
import type { Preprocessing } from './preprocessing.js'

/**
 * Values that are looked at, spread over the image: all of small ones, else every eighth, and no more than so many.
 * Enough for shares of a hundredth, and a few hundredths of the time that decoding takes.
 */
const ALL_OF = 1024
const EVERY = 8
const MOST = 4096

/** What counts as black and as white, as a share of full scale. */
const BLACK = 0.01
const WHITE = 0.99

/** Shares of the pixels above which an image is taken for one that was read with a wrong range. */
const MOSTLY = 0.99
const ALL_BLACK_OR_WHITE = 0.995

/**
 * Brings the values of a 16-bit file that uses fewer bits to full scale, `value * 65535 / (2^bits - 1)`, larger ones
 * clipped, and adds to the image's warning what is conspicuous about its values. Images that went through a window, or
 * have 8 bits, keep their values.
 */
export function applyRange(image: DecodedImage, { bits }: Pick<Preprocessing, 'bits'>): DecodedImage {
  const { image: scaled, clipped } = bits === null ? { image, clipped: null } : scaleBits(image, bits)
  const warnings = [image.warning, clipped, rangeWarning(scaled)].filter(
    (warning) => warning !== null && warning !== undefined,
  )
  return warnings.length === 0 ? scaled : { ...scaled, warning: warnings.join('; ') }
}

/**
 * What a user should look into, or null: one value everywhere, values of 12 bits in a 16-bit file, nearly all of it
 * black or white. Such an image decodes without an error and teaches a model nothing.
 */
export function rangeWarning(image: DecodedImage): string | null {
  const { data, maxValue } = image
  const sample = look(image)
  if (sample.low === sample.high && isConstant(data))
    return `every pixel has the same value (${sample.low} of ${maxValue})`
  if (image.asStored === true && sample.high < 4096) {
    const most = greatest(data)
    const bits = most < 256 ? 8 : most < 1024 ? 10 : 12
    if (most < 4096) {
      return (
        `its largest value is ${most} of 65535: it looks like ${bits}-bit values in a 16-bit file and would be nearly ` +
        `black; set data.bits to ${bits}`
      )
    }
  }
  const percent = (share: number) => `${Math.floor(share * 1000) / 10} % of its pixels are`
  const help = 'look at it, and at data.window where its values are measurements'
  if (sample.black > MOSTLY) return `${percent(sample.black)} black; ${help}`
  if (sample.white > MOSTLY) return `${percent(sample.white)} white; ${help}`
  if (sample.black + sample.white > ALL_BLACK_OR_WHITE)
    return `${percent(sample.black + sample.white)} black or white; ${help}`
  return null
}

function scaleBits(image: DecodedImage, bits: number): { image: DecodedImage; clipped: string | null } {
  if (image.asStored !== true) return { image, clipped: null }
  const top = 2 ** bits - 1
  const data = new Uint16Array(image.data.length)
  let above = 0
  for (let at = 0; at < data.length; at++) {
    const value = image.data[at]
    if (value > top) above++
    data[at] = value > top ? 65535 : (value * 65535) / top + 0.5
  }
  const clipped =
    above === 0
      ? null
      : `${above} of its ${data.length} values are above ${top}, the most of ${bits} bits (data.bits), and became white`
  return { image: { ...image, data, asStored: false }, clipped }
}

/** Least and greatest of some of the values, and the shares of them that are black and white. */
function look({ width, channels, data, maxValue }: DecodedImage) {
  const line = width * channels
  let step = data.length <= ALL_OF ? 1 : Math.max(EVERY, Math.ceil(data.length / MOST))
  // Else it would go down a few columns only.
  while (greatestCommonDivisor(step, line) > 1) step++
  const [blackest, whitest] = [BLACK * maxValue, WHITE * maxValue]
  let low: number = maxValue
  let high = 0
  let black = 0
  let white = 0
  let count = 0
  for (let at = 0; at < data.length; at += step, count++) {
    const value = data[at]
    if (value < low) low = value
    if (value > high) high = value
    if (value <= blackest) black++
    else if (value >= whitest) white++
  }
  return { low, high, black: black / count, white: white / count }
}

function isConstant(data: ArrayLike<number>): boolean {
  for (let at = 1; at < data.length; at++) if (data[at] !== data[0]) return false
  return true
}

function greatest(data: ArrayLike<number>): number {
  let most = 0
  for (let at = 0; at < data.length; at++) most = Math.max(most, data[at])
  return most
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
