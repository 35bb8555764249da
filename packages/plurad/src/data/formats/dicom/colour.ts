import type { DecodedImage } from '../../image.js'
import type { DicomFile } from './file.js'
import { readFrame, storedValueOf, type Frame, type Words } from './frame.js'
import { lookUp, readLookupTable } from './lookup-table.js'
import { storedRange } from './modality.js'
import { tags } from './tags.js'

const palette = [
  [tags.RedPaletteColorLookupTableDescriptor, tags.RedPaletteColorLookupTableData],
  // The three descriptors are equal, but for files that say so only once.
  [tags.RedPaletteColorLookupTableDescriptor, tags.GreenPaletteColorLookupTableData],
  [tags.RedPaletteColorLookupTableDescriptor, tags.BluePaletteColorLookupTableData],
] as const

/** RGB of a frame with a colour palette; of 8 bits where the palette's entries are. */
export function renderPalette(file: DicomFile, index: number): DecodedImage {
  const { attributes, image } = file
  const { words, bits } = readFrame(file, index)
  const tables = palette.map(([descriptor, data]) => {
    const table = readLookupTable(attributes, { descriptor, data }, storedRange(image))
    if (table !== null) return table
    const segmented = attributes.words(tags.SegmentedRedPaletteColorLookupTableData).length > 0
    throw new Error(
      segmented ? 'its colour palette is segmented, which we do not read' : 'it has no colour palette',
    )
  })
  const deep = tables.some((table) => table.bits > 8)
  const data = deep ? new Uint16Array(3 * words.length) : new Uint8Array(3 * words.length)
  const stored = storedValueOf(bits)
  tables.forEach((table, channel) => {
    // A table over all words of 8 or 16 bits; there are no palettes of more.
    const scale = (deep ? 65535 : 255) / (2 ** table.bits - 1)
    const colours = Uint16Array.from({ length: 2 ** image.bitsAllocated }, (_, word) =>
      Math.round(Math.min(lookUp(table, stored(word)), 2 ** table.bits - 1) * scale),
    )
    for (let pixel = 0, at = channel; pixel < words.length; pixel++, at += 3) data[at] = colours[words[pixel]]
  })
  return { width: image.columns, height: image.rows, channels: 3, maxValue: deep ? 65535 : 255, data }
}

/**
 * RGB of a colour frame, 8 or 16 bits as the file has.
 *
 * @param warnings is told where header and frame contradict each other
 */
export function renderColour(file: DicomFile, index: number, warnings: string[]): DecodedImage {
  const { image } = file
  const frame = readFrame(file, index)
  const ycbcr = isYcbcr(frame, file, warnings)
  const { bitsStored } = frame.bits
  const deep = bitsStored > 8
  const maxValue = deep ? 65535 : 255
  const samples = interleaved(frame, image.rows * image.columns, file)
  const data = deep ? new Uint16Array(samples.length) : new Uint8Array(samples.length)
  const stored = storedValueOf({ ...frame.bits, signed: false })
  for (let at = 0; at < samples.length; at++) data[at] = stored(samples[at])
  if (ycbcr) toRgb(data, 2 ** bitsStored - 1)
  if (maxValue !== 2 ** bitsStored - 1) {
    const scale = maxValue / (2 ** bitsStored - 1)
    for (let at = 0; at < data.length; at++) data[at] = Math.round(data[at] * scale)
  }
  return { width: image.columns, height: image.rows, channels: 3, maxValue, data }
}

/** Compressed frames know best; those that say nothing have what the header says. */
function isYcbcr({ colour }: Frame, { image, syntax }: DicomFile, warnings: string[]): boolean {
  const byHeader = image.photometric === 'YBR_FULL' || image.photometric === 'YBR_FULL_422'
  if (colour === null) return byHeader
  // JPEG 2000 has colour transforms of its own, which its decoder undoes.
  if (syntax.compression === 'jpeg' && (colour === 'ycbcr') !== byHeader)
    warnings.push(
      `the header says ${image.photometric}, its frames say ${colour.toUpperCase()}; the frames are believed`,
    )
  return colour === 'ycbcr'
}

/** [pixels, 3] */
function interleaved({ words, planar }: Frame, pixels: number, { image, syntax }: DicomFile): Words {
  if (image.photometric === 'YBR_FULL_422' && syntax.compression === null) return expand422(words, pixels)
  if (!planar) return words
  const data = words.slice()
  for (let channel = 0, from = 0; channel < 3; channel++) {
    for (let pixel = 0, to = channel; pixel < pixels; pixel++, to += 3) data[to] = words[from++]
  }
  return data
}

/** Y1, Y2, Cb, Cr of two pixels -> Y1, Cb, Cr, Y2, Cb, Cr */
function expand422(words: Words, pixels: number): Words {
  const data = new Uint16Array(3 * pixels)
  for (let from = 0, to = 0; from + 3 < words.length; from += 4, to += 6) {
    data[to] = words[from]
    data[to + 3] = words[from + 1]
    data[to + 1] = data[to + 4] = words[from + 2]
    data[to + 2] = data[to + 5] = words[from + 3]
  }
  return data
}

/**
 * YBR_FULL to RGB in place (PS3.3, C.7.6.3.1.2): R = Y + 1.402 (Cr - h), B = Y + 1.772 (Cb - h),
 * G = Y - (0.114 * 1.772 (Cb - h) + 0.299 * 1.402 (Cr - h)) / 0.587, with h half of the range, rounded and cut off.
 */
function toRgb(data: Uint8Array | Uint16Array, white: number): void {
  const half = (white + 1) / 2
  const place = (value: number): number => Math.min(Math.max(Math.floor(value + 0.5), 0), white)
  for (let at = 0; at < data.length; at += 3) {
    const luma = data[at]
    const red = 1.402 * (data[at + 2] - half)
    const blue = 1.772 * (data[at + 1] - half)
    data[at] = place(luma + red)
    data[at + 1] = place(luma - (0.114 * blue + 0.299 * red) / 0.587)
    data[at + 2] = place(luma + blue)
  }
}
