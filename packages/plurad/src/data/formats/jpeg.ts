import type { ImageFormat } from './format.js'
import { assertPlausibleJpeg, jpegFile } from './jpeg-header.js'
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
  ...jpegFile,

  decode(bytes) {
    assertPlausibleJpeg(bytes)
    // Any warning fails: libjpeg only warns where it fills missing parts with grey.
    return decodeWithVips(bytes, { failOn: 'warning' })
  },
}
