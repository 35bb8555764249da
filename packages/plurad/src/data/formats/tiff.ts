import { MAX_PIXELS, type DecodedImage } from '../image.js'
import { startsWith, UnsupportedError, type ImageFormat, type ReadOptions } from './format.js'
import { readTiffPage, type TiffPage } from './tiff-header.js'
import { decodeWithVips, measureWithVips } from './vips.js'
import { chosenRange, finiteRange, windowToGrid, type ValueRange } from './window.js'

/**
 * TIFF and BigTIFF, striped or tiled, in libtiff's compressions: grey, RGB, palette and CMYK of 1 to 16 unsigned bits as
 * pixels, whatever the window; one channel of signed or 32-bit integers or of 32-bit floats as measurements, whose
 * `full` and `file` are the range of the integer type, or the least to the greatest finite float. A part is a page,
 * from 0. A page is turned upright by its orientation tag, as Pillow does with TIFF.
 */
export const tiff: ImageFormat = {
  name: 'TIFF',
  extensions: ['.tif', '.tiff'],
  matches: (head) =>
    startsWith(head, [0x49, 0x49, 42, 0]) ||
    startsWith(head, [0x4d, 0x4d, 0, 42]) ||
    startsWith(head, [0x49, 0x49, 43, 0]) ||
    startsWith(head, [0x4d, 0x4d, 0, 43]),

  async decode(bytes, { window, part }: ReadOptions): Promise<DecodedImage> {
    const index = pageNumber(part)
    const { page, pages } = readTiffPage(bytes, index)
    if (page === null)
      throw new UnsupportedError(`page ${index} was asked for, but it has ${pages}, counted from 0`)
    assertReadable(page)
    const { bits, format } = page
    // Not `warning`: scanners write private tags, and each is one.
    const options = { failOn: 'error', page: index, upright: true } as const
    if (format === 'unsigned' && bits <= 16) return decodeWithVips(bytes, options)
    const measured =
      format === 'signed' && bits <= 16
        ? signed(await decodeWithVips(asUnsigned(bytes, page), options))
        : await measureWithVips(bytes, options)
    const data = new Uint16Array(measured.values.length)
    const range = chosenRange(window, [], () => fullRange(page, measured.values))
    windowToGrid(measured.values, range, data)
    return { width: measured.width, height: measured.height, channels: 1, maxValue: 65535, data }
  },
}

/** Grey in both directions, RGB, palettes, masks, inks and YCbCr, by the tag's numbers. */
const PHOTOMETRICS: readonly number[] = [0, 1, 2, 3, 4, 5, 6]

/** Bits of the samples that are read, and how many samples a pixel may have. */
const READABLE: Record<TiffPage['format'], { bits: readonly number[]; samples: number }> = {
  unsigned: { bits: [1, 2, 4, 8, 16, 32], samples: 5 },
  signed: { bits: [8, 16, 32], samples: 1 },
  float: { bits: [32], samples: 1 },
  other: { bits: [], samples: 0 },
}

function assertReadable({ width, height, bits, format, samples, photometric }: TiffPage): void {
  if (!(width > 0 && height > 0 && width * height <= MAX_PIXELS))
    throw new Error(`its header says ${width} x ${height} pixels, where 1 to ${MAX_PIXELS} are possible`)
  const most = bits === 32 ? 1 : READABLE[format].samples
  if (samples <= most && READABLE[format].bits.includes(bits) && PHOTOMETRICS.includes(photometric)) return
  throw new UnsupportedError(
    `its pixels are ${samples} samples of ${bits} bits, ${format}, of photometric interpretation ${photometric}. Read ` +
      'are grey, RGB, palette and CMYK of 1, 2, 4, 8 or 16 unsigned bits, and one sample of 8, 16 or 32 signed, 32 ' +
      'unsigned or 32 floating-point bits; convert it to one of these',
  )
}

function pageNumber(part: string | null): number {
  if (part === null) return 0
  if (!/^\d{1,6}$/.test(part)) throw new UnsupportedError(`part "${part}" is no page number such as 0 or 3`)
  return Number(part)
}

/** The same file with its numbers called unsigned: libvips clips negative ones to 0 on their way out. */
function asUnsigned(bytes: Uint8Array, { formatAt }: TiffPage): Uint8Array {
  const copy = new Uint8Array(bytes)
  // A 16-bit field, in whichever byte order: one of its bytes is the 2 that says signed.
  for (const at of formatAt) {
    for (const byte of [at, at + 1]) if (copy[byte] === 2) copy[byte] = 1
  }
  return copy
}

function signed({ width, height, data }: DecodedImage): {
  width: number
  height: number
  values: ArrayLike<number>
} {
  const { buffer, byteOffset, length } = data
  const values =
    data instanceof Uint8Array
      ? new Int8Array(buffer, byteOffset, length)
      : new Int16Array(buffer, byteOffset, length)
  return { width, height, values }
}

function fullRange({ format, bits }: TiffPage, values: ArrayLike<number>): ValueRange {
  if (format === 'float') return finiteRange(values) ?? { low: 0, high: 0 }
  if (format === 'unsigned') return { low: 0, high: 2 ** bits - 1 }
  return { low: -(2 ** (bits - 1)), high: 2 ** (bits - 1) - 1 }
}
