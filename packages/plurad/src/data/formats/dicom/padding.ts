import type { Attributes } from './attributes.js'
import { storedValueOf, type StoredBits } from './frame.js'
import { tags } from './tags.js'

/**
 * Tells stored values that only fill up the rectangle (PS3.3, C.7.5.1.1.2): the Pixel Padding Value, or all from it to the
 * Pixel Padding Range Limit. Floating point pixels that are no number count as such.
 *
 * @returns null where the file has none
 */
export function readPadding(attributes: Attributes, bits: StoredBits): ((stored: number) => boolean) | null {
  const [value, limit] = bits.float ? floatPadding(attributes) : integerPadding(attributes, bits)
  if (value === null) return bits.float ? (stored) => !Number.isFinite(stored) : null
  const low = Math.min(value, limit ?? value)
  const high = Math.max(value, limit ?? value)
  // Written so that NaN is padding.
  return bits.float
    ? (stored) => !(Number.isFinite(stored) && (stored < low || stored > high))
    : (stored) => stored >= low && stored <= high
}

function floatPadding(attributes: Attributes): (number | null)[] {
  return [
    attributes.float(tags.FloatPixelPaddingValue) ?? attributes.float(tags.DoubleFloatPixelPaddingValue),
    attributes.float(tags.FloatPixelPaddingRangeLimit) ??
      attributes.float(tags.DoubleFloatPixelPaddingRangeLimit),
  ]
}

/** Whatever the type says, these are pixel values: signed as the pixels are, and of as many bits. */
function integerPadding(attributes: Attributes, bits: StoredBits): (number | null)[] {
  const valueOf = storedValueOf({ ...bits, highBit: bits.bitsStored - 1 })
  return [tags.PixelPaddingValue, tags.PixelPaddingRangeLimit].map((tag) => {
    const word = attributes.word(tag)
    return word === null ? null : valueOf(bits.signed ? (word << 16) >> 16 : word)
  })
}
