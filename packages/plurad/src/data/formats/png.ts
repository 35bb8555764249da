import { Transformer } from '@napi-rs/image'
import { asUint16, dropAlpha, type DecodedImage } from '../image.js'
import type { ImageFormat } from './format.js'
import { assertPlausiblePng, pngFile } from './png-header.js'
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
  ...pngFile,

  async decode(bytes): Promise<DecodedImage> {
    assertPlausiblePng(bytes)
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
