import { Transformer } from '@napi-rs/image'
import { asUint16, dropAlpha, MAX_PIXELS, type DecodedImage } from '../image.js'
import { startsWith, type ImageFormat } from './format.js'
import { decodeWithVips } from './vips.js'

/** Layout of the decoded bytes by the decoder's `colorType`, where the others are of no use to us. */
const LAYOUTS: Record<number, { channels: 1 | 3; alpha: boolean; deep: boolean } | undefined> = {
  0: { channels: 1, alpha: false, deep: false },
  1: { channels: 1, alpha: true, deep: false },
  2: { channels: 3, alpha: false, deep: false },
  3: { channels: 3, alpha: true, deep: false },
  4: { channels: 1, alpha: false, deep: true },
  5: { channels: 1, alpha: true, deep: true },
  6: { channels: 3, alpha: false, deep: true },
  7: { channels: 3, alpha: true, deep: true },
}

/**
 * PNG of every colour type and depth; palettes become RGB, 1 to 4 bits become 8. Equal to Pillow's pixels.
 * This decoder takes half of libvips' time and, unlike many, fails on cut-off data and wrong checksums.
 */
export const png: ImageFormat = {
  name: 'PNG',
  extensions: ['.png'],
  matches: (head) => startsWith(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),

  async decode(bytes): Promise<DecodedImage> {
    assertPlausible(bytes)
    try {
      return decodeWhole(bytes)
    } catch (error) {
      // It takes half a gigabyte at the most; libvips takes what there is.
      if (error instanceof Error && error.message.includes('Memory limit'))
        return decodeWithVips(bytes, { failOn: 'warning' })
      throw error
    }
  },
}

function decodeWhole(bytes: Uint8Array): DecodedImage {
  const decoder = new Transformer(bytes)
  const { width, height, colorType } = decoder.metadataSync()
  const layout = LAYOUTS[colorType]
  if (layout === undefined) throw new Error(`its colour type ${colorType} is not one we know`)
  const raw = decoder.rawPixelsSync()
  const values = layout.deep ? asUint16(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength)
  const { channels } = layout
  const data = layout.alpha ? dropAlpha(values, channels) : values
  return { width, height, channels, maxValue: layout.deep ? 65535 : 255, data, asStored: layout.deep }
}

/** Samples a pixel by the header's colour type. */
const SAMPLES: Record<number, number | undefined> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/** The most that a byte of deflated data can become. */
const DEFLATE_RATIO = 1032

/** Refuses a header that claims more than we take, or than the file can hold, before memory is taken for it. */
function assertPlausible(bytes: Uint8Array): void {
  if (bytes.length < 33) throw new Error('the file ends within its header')
  const header = new DataView(bytes.buffer, bytes.byteOffset)
  const [width, height] = [header.getUint32(16), header.getUint32(20)]
  const claim = `its header says ${width} x ${height} pixels`
  if (width * height > MAX_PIXELS) throw new Error(`${claim}, more than ${MAX_PIXELS}`)
  const lineBytes = Math.ceil((width * bytes[24] * (SAMPLES[bytes[25]] ?? 1)) / 8)
  if (lineBytes * height > bytes.length * DEFLATE_RATIO)
    throw new Error(`${claim}, which ${bytes.length} bytes cannot hold`)
}
