import { startsWith, type ImageFormat } from './format.js'
import { decodeWithVips } from './vips.js'

/** TIFF of 8 or 16 unsigned bits, grey or RGB; of several pages the first is read. */
export const tiff: ImageFormat = {
  name: 'TIFF',
  extensions: ['.tif', '.tiff'],
  matches: (head) => startsWith(head, [0x49, 0x49, 42, 0]) || startsWith(head, [0x4d, 0x4d, 0, 42]),
  // Not `warning`: scanners write private tags, and each is one.
  decode: (bytes) => decodeWithVips(bytes, 'error'),
}
