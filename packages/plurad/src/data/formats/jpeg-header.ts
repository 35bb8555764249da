/** What every reader of JPEG checks first. */
import { startsWith, type ImageFormat } from './format.js'

export const jpegFile: Omit<ImageFormat, 'decode'> = {
  name: 'JPEG',
  extensions: ['.jpg', '.jpeg'],
  matches: (head) => startsWith(head, [0xff, 0xd8, 0xff]),
}

/** Pixels on each side of the blocks that JPEG codes. */
const BLOCK = 8

/**
 * Refuses a frame header that claims more than the file can hold, before the decoder takes memory for it: each block of
 * each component takes a bit at the least (ITU-T T.81, F.1.2; arithmetic coding can take less and is not checked).
 */
export function assertPlausibleJpeg(bytes: Uint8Array): void {
  for (const { marker, body } of jpegSegments(bytes)) {
    const isHuffmanFrame = marker >= 0xc0 && marker <= 0xc7 && marker !== 0xc4
    if (!isHuffmanFrame || body.length < 5) continue
    const [height, width] = [(body[1] << 8) | body[2], (body[3] << 8) | body[4]]
    if (Math.ceil(width / BLOCK) * Math.ceil(height / BLOCK) > bytes.length * 8)
      throw new Error(`its header says ${width} x ${height} pixels, which so few bytes cannot hold`)
    return
  }
}

/**
 * Marker segments from the beginning of a file to its first scan, as far as they can be followed. Without an error: what is
 * damaged is the decoder's to say.
 */
export function* jpegSegments(bytes: Uint8Array): Generator<{ marker: number; body: Uint8Array }> {
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]
    // A fill byte.
    if (marker === 0xff) {
      at++
      continue
    }
    if (marker === 0xda || marker === 0xd9) return
    const length = (bytes[at + 2] << 8) | bytes[at + 3]
    yield { marker, body: bytes.subarray(at + 4, at + 2 + length) }
    at += 2 + length
  }
}
