import { Inflate } from 'fflate'
import { dropAlpha, type DecodedImage } from '../../image.js'
import type { ImageFormat } from '../format.js'
import { assertPlausiblePng, PNG_SAMPLES, pngFile } from '../png-header.js'

/**
 * PNG of every colour type and depth (ISO/IEC 15948), to the bit what `../png.ts` gives in Node. A browser's own decoder
 * will not do: it applies colour profiles, multiplies by alpha and keeps 8 of 16 bits.
 */
export const png: ImageFormat = {
  ...pngFile,
  decode(bytes): DecodedImage {
    assertPlausiblePng(bytes)
    const { header, palette, data } = readChunks(bytes)
    const samples = inflateSamples(data, header)
    return toImage(header, samples, palette)
  },
}

const GREY = 0
const PALETTE = 3

interface Header {
  width: number
  height: number
  /** Bits of a sample. */
  depth: number
  colourType: number
  /** Of a pixel, alpha included. */
  samples: number
  interlaced: boolean
}

/** Depths by colour type: grey, RGB, palette, grey and alpha, RGB and alpha. */
const DEPTHS: Record<number, readonly number[] | undefined> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}

interface Chunks {
  header: Header
  palette: Uint8Array | null
  /** The deflated pixels, a piece a chunk. */
  data: Uint8Array[]
}

/** Signature, then chunks: length, type, data, checksum. */
function readChunks(bytes: Uint8Array): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let header: Header | null = null
  let palette: Uint8Array | null = null
  const data: Uint8Array[] = []
  for (let at = 8; at + 8 <= bytes.length;) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const end = at + 8 + length
    if (end + 4 > bytes.length) throw new Error(`the file ends within its ${type} chunk`)
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end))
      throw new Error(`the checksum of its ${type} chunk is wrong`)
    const body = bytes.subarray(at + 8, end)
    if (type === 'IHDR') header = readHeader(body)
    else if (type === 'PLTE') palette = body
    else if (type === 'IDAT') data.push(body)
    else if (type === 'IEND') break
    at = end + 4
  }
  if (header === null || data.length === 0) throw new Error('the file ends before its pixels')
  return { header, palette, data }
}

function readHeader(body: Uint8Array): Header {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  if (body.length !== 13) throw new Error(`its header has ${body.length} bytes, where 13 are expected`)
  const [width, height] = [view.getUint32(0), view.getUint32(4)]
  const [depth, colourType, compression, filter, interlace] = body.subarray(8)
  if (width === 0 || height === 0) throw new Error(`its header says ${width} x ${height} pixels`)
  if (DEPTHS[colourType]?.includes(depth) !== true || compression !== 0 || filter !== 0 || interlace > 1)
    throw new Error(`its header says colour type ${colourType} of ${depth} bits, which PNG does not have`)
  return {
    width,
    height,
    depth,
    colourType,
    samples: PNG_SAMPLES[colourType] ?? 1,
    interlaced: interlace === 1,
  }
}

/** Where the pixels of an interlaced image's passes begin and how far apart they are (Adam7). */
const PASSES = [
  { x: 0, y: 0, across: 8, down: 8 },
  { x: 4, y: 0, across: 8, down: 8 },
  { x: 0, y: 4, across: 4, down: 8 },
  { x: 2, y: 0, across: 4, down: 4 },
  { x: 0, y: 2, across: 2, down: 4 },
  { x: 1, y: 0, across: 2, down: 2 },
  { x: 0, y: 1, across: 1, down: 2 },
] as const

const WHOLE = [{ x: 0, y: 0, across: 1, down: 1 }] as const

/** [height, width, samples] as numbers of `depth` bits. */
function inflateSamples(data: readonly Uint8Array[], header: Header): Uint8Array | Uint16Array {
  const { width, height, depth, samples, interlaced } = header
  const lineBytes = (pixels: number): number => Math.ceil((pixels * samples * depth) / 8)
  const passes = (interlaced ? PASSES : WHOLE)
    .map((pass) => ({
      ...pass,
      columns: Math.ceil((width - pass.x) / pass.across),
      rows: Math.ceil((height - pass.y) / pass.down),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
  const size = passes.reduce((sum, { columns, rows }) => sum + rows * (1 + lineBytes(columns)), 0)
  const raw = inflateZlib(data, size)
  const values = width * height * samples
  const out = depth === 16 ? new Uint16Array(values) : new Uint8Array(values)
  const step = Math.max(1, (samples * depth) / 8)
  let at = 0
  for (const { x, y, across, down, columns, rows } of passes) {
    const length = lineBytes(columns)
    let above: Uint8Array = new Uint8Array(length)
    for (let row = 0; row < rows; row++) {
      const line = raw.subarray(at + 1, at + 1 + length)
      unfilter(raw[at], line, above, step)
      const to = ((y + row * down) * width + x) * samples
      spread(line, out, { to, apart: (across - 1) * samples, columns, samples, depth })
      above = line
      at += 1 + length
    }
  }
  return out
}

/** Undoes a line's filter in place. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): void {
  const { length } = line
  switch (filter) {
    case 0:
      return
    case 1:
      for (let i = step; i < length; i++) line[i] += line[i - step]
      return
    case 2:
      for (let i = 0; i < length; i++) line[i] += above[i]
      return
    case 3:
      for (let i = 0; i < step; i++) line[i] += above[i] >> 1
      for (let i = step; i < length; i++) line[i] += (line[i - step] + above[i]) >> 1
      return
    case 4:
      for (let i = 0; i < step; i++) line[i] += above[i]
      for (let i = step; i < length; i++) line[i] += paeth(line[i - step], above[i], above[i - step])
      return
    default:
      throw new Error(`one of its lines has filter ${filter}, where 0 to 4 are possible`)
  }
}

function paeth(left: number, up: number, corner: number): number {
  const [byLeft, byUp] = [Math.abs(up - corner), Math.abs(left - corner)]
  const byCorner = Math.abs(left + up - 2 * corner)
  return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner
}

interface Place {
  /** Index of the first sample. */
  to: number
  /** Samples to leave out between pixels. */
  apart: number
  columns: number
  samples: number
  depth: number
}

function spread(
  line: Uint8Array,
  out: Uint8Array | Uint16Array,
  { to: first, apart, columns, samples, depth }: Place,
): void {
  let to = first
  if (depth === 8 && apart === 0) {
    out.set(line, to)
    return
  }
  const mask = 2 ** depth - 1
  for (let column = 0, sample = 0; column < columns; column++, to += apart) {
    for (let channel = 0; channel < samples; channel++, sample++) {
      if (depth === 16) out[to++] = (line[2 * sample] << 8) | line[2 * sample + 1]
      else if (depth === 8) out[to++] = line[sample]
      else {
        const bit = sample * depth
        out[to++] = (line[bit >> 3] >> (8 - depth - (bit & 7))) & mask
      }
    }
  }
}

function toImage(
  { width, height, depth, colourType, samples }: Header,
  values: Uint8Array | Uint16Array,
  palette: Uint8Array | null,
): DecodedImage {
  const shape = { width, height, maxValue: depth === 16 ? 65535 : 255, asStored: depth === 16 } as const
  if (colourType === PALETTE) {
    if (palette === null) throw new Error('it has no palette')
    const data = new Uint8Array(3 * values.length)
    for (let pixel = 0, to = 0; pixel < values.length; pixel++)
      for (let channel = 0; channel < 3; channel++) data[to++] = palette[3 * values[pixel] + channel]
    return { ...shape, channels: 3, data }
  }
  const channels = samples < 3 ? 1 : 3
  if (colourType === GREY && depth < 8) {
    const scale = 255 / (2 ** depth - 1)
    return { ...shape, channels, data: Uint8Array.from(values, (value) => value * scale) }
  }
  return { ...shape, channels, data: samples % 2 === 0 ? dropAlpha(values, channels) : values }
}

/** Deflate makes at most 1032 bytes of one, so a piece of this size cannot take much memory before it is counted. */
const PIECE = 2 ** 14

/** Bytes of zlib data at least: header, one empty block, checksum. */
const LEAST_ZLIB = 8

/** Exactly `size` bytes; what the stream has beyond is left. */
function inflateZlib(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = joined(parts)
  if (whole.length < LEAST_ZLIB) throw new Error('its deflated pixels are cut off')
  if ((whole[0] & 15) !== 8 || (whole[0] * 256 + whole[1]) % 31 !== 0 || (whole[1] & 32) !== 0)
    throw new Error('its pixels are not deflated as PNG says')
  const out = new Uint8Array(size)
  let length = 0
  let all = 0
  const stream = new Inflate((piece) => {
    out.set(piece.subarray(0, Math.max(0, size - length)), Math.min(length, size))
    length = Math.min(size, length + piece.length)
    all += piece.length
  })
  const deflated = whole.subarray(2, -4)
  const isFull = (): boolean => all > size
  try {
    // Piece by piece, so that a file that inflates without end is left once the pixels are there.
    for (let at = 0; at < deflated.length; at += PIECE) {
      stream.push(deflated.subarray(at, at + PIECE), at + PIECE >= deflated.length)
      if (isFull()) break
    }
  } catch (error) {
    throw new Error(`its pixels cannot be inflated (${(error as Error).message})`, { cause: error })
  }
  if (length < size) throw new Error(`its pixels inflate to ${length} bytes, where ${size} are expected`)
  const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength)
  // Over what was inflated, so it says nothing where the stream goes on behind the pixels.
  if (all === size && adler32(out) !== view.getUint32(whole.length - 4))
    throw new Error('the checksum of its pixels is wrong')
  return out
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

let crcTable: Uint32Array | undefined

/** ISO 3309, polynomial edb88320. */
function crc32(bytes: Uint8Array): number {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    return value
  })
  let crc = 0xffffffff
  for (let at = 0; at < bytes.length; at++) crc = crcTable[(crc ^ bytes[at]) & 255] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** Additions after which neither sum has passed 32 bits. */
const ADLER_RUN = 5552

function adler32(bytes: Uint8Array): number {
  let [low, high] = [1, 0]
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(at + ADLER_RUN, bytes.length)
    for (; at < end; at++) high += low += bytes[at]
    low %= 65521
    high %= 65521
  }
  return high * 65536 + low
}
