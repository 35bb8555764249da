import { startsWith, type ImageFormat } from './format.js'
import { decodeWithVips } from './vips.js'

/**
 * Baseline and progressive JPEG, 8-bit grey, colour or CMYK (also Adobe's inverted and YCCK). Decoded by
 * libjpeg-turbo, whose pixels equal Pillow's; faster decoders upsample colour differently and are off by two grey
 * levels and more. A file that is cut off anywhere is refused; JPEG has no checksums, so a changed byte in the middle
 * shows only where it breaks the code.
 *
 * An EXIF orientation is not applied but warned of: Pillow and torchvision do not apply it either when they open a
 * file, so models that others trained on such photographs saw them as stored.
 */
export const jpeg: ImageFormat = {
  name: 'JPEG',
  extensions: ['.jpg', '.jpeg'],
  matches: (head) => startsWith(head, [0xff, 0xd8, 0xff]),

  decode(bytes) {
    assertPlausible(bytes)
    // Any warning fails: libjpeg only warns where it fills missing parts with grey.
    return decodeWithVips(bytes, { failOn: 'warning' })
  },
}

/** Pixels on each side of the blocks that JPEG codes. */
const BLOCK = 8

/**
 * Refuses a frame header that claims more than the file can hold, before the decoder takes memory for it: each block of
 * each component takes a bit at the least (ITU-T T.81, F.1.2; arithmetic coding can take less and is not checked).
 */
function assertPlausible(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]
    // A fill byte.
    if (marker === 0xff) {
      at++
      continue
    }
    const isHuffmanFrame = marker >= 0xc0 && marker <= 0xc7 && marker !== 0xc4
    if (isHuffmanFrame) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)]
      if (Math.ceil(width / BLOCK) * Math.ceil(height / BLOCK) > bytes.length * 8)
        throw new Error(`its header says ${width} x ${height} pixels, which so few bytes cannot hold`)
      return
    }
    if (marker === 0xda || marker === 0xd9) return
    at += 2 + view.getUint16(at + 2)
  }
}
