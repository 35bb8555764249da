import { Inflate } from 'fflate'

/** What 16-bit pixels of the largest image take; a file that inflates to more is a bomb or a mistake. */
const MOST = 2 ** 29

/** Deflate makes at most 1032 bytes of one, so a piece of this size cannot take much memory before it is counted. */
const PIECE = 2 ** 14

/**
 * Inflates raw deflate data, the body of a file of transfer syntax 1.2.840.10008.1.2.1.99.
 *
 * @param cutOff whether data that ends too early gives what there is, instead of an error
 */
export function inflate(deflated: Uint8Array, cutOff: boolean): Uint8Array {
  const parts: Uint8Array[] = []
  let length = 0
  const stream = new Inflate((part) => {
    length += part.length
    if (length > MOST) throw new Error(`its deflated data set is larger than ${MOST} bytes`)
    parts.push(part)
  })
  try {
    for (let at = 0; at < deflated.length; at += PIECE) {
      stream.push(deflated.subarray(at, at + PIECE), !cutOff && at + PIECE >= deflated.length)
    }
  } catch (error) {
    if (length > MOST) throw error
    throw new Error(`its deflated data set cannot be inflated (${String(error)})`, { cause: error })
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
