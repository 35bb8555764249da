import { startsWith, type ImageFormat } from './format.js'
import { decodeWithVips } from './vips.js'

/**
 * Baseline and progressive JPEG, 8-bit grey or colour. Decoded by libjpeg-turbo, whose pixels equal Pillow's;
 * faster decoders upsample colour differently and are off by two grey levels and more. A file that is cut off
 * anywhere is refused; JPEG has no checksums, so a changed byte in the middle shows only where it breaks the code.
 */
export const jpeg: ImageFormat = {
  name: 'JPEG',
  extensions: ['.jpg', '.jpeg'],
  matches: (head) => startsWith(head, [0xff, 0xd8, 0xff]),
  // Any warning fails: libjpeg only warns where it fills missing parts with grey.
  decode: (bytes) => decodeWithVips(bytes, 'warning'),
}
