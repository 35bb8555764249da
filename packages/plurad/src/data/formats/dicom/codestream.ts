import { MAX_PIXELS } from '../../image.js'
import { endsImage } from './encapsulation.js'
import type { Compression } from './transfer-syntax.js'

/** What a compressed frame says of itself, read before any decoder takes memory for it. */
export interface Codestream {
  width: number
  height: number
  components: number
  /** Bits of a sample. */
  bits: number
  /** Only JPEG 2000 says it; null for the others. */
  signed: boolean | null
  /** What its colours are; null where it does not say. */
  colour: 'rgb' | 'ycbcr' | null
  /** Whether a decoder gives one plane a component (JPEG-LS without interleaving). */
  planar: boolean
  /** The image alone, without what some writers put around or behind it. */
  data: Uint8Array
}

/**
 * Reads the header of a JPEG, JPEG-LS or JPEG 2000 image.
 *
 * @throws Error where it is damaged, or claims more than can be
 */
export function readCodestream(frame: Uint8Array, compression: Compression): Codestream {
  const codestream = compression === 'jpeg-2000' ? readJpeg2000(frame) : readJpeg(frame)
  const { width, height, components } = codestream
  if (width * height === 0 || components === 0)
    throw new Error(`its compressed frame claims ${width} x ${height} pixels of ${components} samples`)
  if (width * height > MAX_PIXELS)
    throw new Error(`its compressed frame claims ${width} x ${height} pixels, more than ${MAX_PIXELS}`)
  return codestream
}

const cutOff = (): Error => new Error('its compressed frame ends within its header')

/** JPEG and JPEG-LS share their markers (ISO/IEC 10918-1 annex B, 14495-1 annex C). */
function readJpeg(frame: Uint8Array): Codestream {
  if (frame[0] !== 0xff || frame[1] !== 0xd8) throw new Error('its compressed frame is not JPEG')
  let found: Codestream | null = null
  let identifiers: number[] = []
  let kind = 0
  let jfif = false
  let adobe: number | null = null
  for (const { marker, body } of segments(frame)) {
    if (marker === 0xe0) jfif ||= ascii(body, 4) === 'JFIF'
    else if (marker === 0xee && ascii(body, 5) === 'Adobe' && body.length >= 12) adobe = body[11]
    else if (isFrameHeader(marker)) {
      if (body.length < 6 + 3 * body[5]) throw cutOff()
      kind = marker
      identifiers = Array.from({ length: body[5] }, (_, index) => body[6 + 3 * index])
      found = {
        width: big16(body, 3),
        height: big16(body, 1),
        components: body[5],
        bits: body[0],
        signed: null,
        colour: null,
        planar: false,
        data: frame,
      }
    } else if (marker === 0xda) {
      if (found === null) throw new Error('its compressed frame has no frame header before its scan')
      // Elsewhere decoders notice what is missing; here it would only be a blurred image, or take them many seconds.
      if ((PROGRESSIVE.includes(kind) || kind === JPEG_LS) && !endsImage(frame))
        throw new Error('its compressed frame is cut off: it has no end-of-image marker')
      // In a scan of JPEG-LS the byte before the last is the interleaving.
      const planar = kind === JPEG_LS && found.components > 1 && body[body.length - 2] === 0
      const colour = found.components === 3 ? jpegColour(identifiers, jfif, adobe) : null
      return { ...found, colour, planar }
    }
  }
  throw cutOff()
}

/** By libjpeg's rules, JFIF before Adobe; without either and letters as identifiers, DICOM's header decides. */
function jpegColour(identifiers: number[], jfif: boolean, adobe: number | null): Codestream['colour'] {
  if (jfif) return 'ycbcr'
  if (adobe !== null) return adobe === 0 ? 'rgb' : 'ycbcr'
  return String.fromCharCode(...identifiers) === 'RGB' ? 'rgb' : null
}

/** SOF2, SOF6, SOF10 and SOF14 */
const PROGRESSIVE = [0xc2, 0xc6, 0xca, 0xce]

/** SOF55 */
const JPEG_LS = 0xf7

/** SOF0 to SOF15 without DHT, JPG and DAC, and that of JPEG-LS. */
function isFrameHeader(marker: number): boolean {
  return marker === JPEG_LS || (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
}

/** Marker segments from the third byte to the first scan. */
function* segments(frame: Uint8Array): Generator<{ marker: number; body: Uint8Array }> {
  let at = 2
  while (at + 4 <= frame.length) {
    if (frame[at] !== 0xff) throw new Error(`its compressed frame has no marker at byte ${at}`)
    const marker = frame[at + 1]
    if (marker === 0xff) {
      at++
      continue
    }
    // Markers without a length have no place before the first scan, and send some decoders round in circles.
    if (marker <= 1 || (marker >= 0xd0 && marker <= 0xd9))
      throw new Error(`its compressed frame has the marker ff${marker.toString(16)} in its header`)
    const length = big16(frame, at + 2)
    if (length < 2 || at + 2 + length > frame.length) throw cutOff()
    yield { marker, body: frame.subarray(at + 4, at + 2 + length) }
    at += 2 + length
  }
}

/** ISO/IEC 15444-1, annex A; the codestream alone or within a JP2 file. */
function readJpeg2000(frame: Uint8Array): Codestream {
  const stream = frame[0] === 0 ? codestreamBox(frame) : frame
  if (big16(stream, 0) !== 0xff4f || big16(stream, 2) !== 0xff51)
    throw new Error('its compressed frame is not JPEG 2000')
  if (stream.length < 45) throw cutOff()
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
  const [x1, y1, x0, y0, tileWidth, tileHeight, tileX, tileY] = Array.from({ length: 8 }, (_, index) =>
    view.getUint32(8 + 4 * index),
  )
  const tiles = Math.ceil((x1 - tileX) / tileWidth) * Math.ceil((y1 - tileY) / tileHeight)
  // A tile takes 14 bytes at least, and decoders take memory for each.
  if (!(tiles * 14 <= stream.length)) throw new Error(`its compressed frame claims ${tiles} tiles`)
  const components = view.getUint16(40)
  if (stream.length < 42 + 3 * components) throw cutOff()
  for (let at = 42; at < 42 + 3 * components; at += 3) {
    if (stream[at] !== stream[42] || stream[at + 1] !== 1 || stream[at + 2] !== 1)
      throw new Error('its compressed frame has components of different size or depth')
  }
  const { multiComponent, tileParts } = readMainHeader(stream)
  return {
    width: x1 - x0,
    height: y1 - y0,
    components,
    bits: (stream[42] & 0x7f) + 1,
    signed: stream[42] >= 0x80,
    // The decoder undoes the codestream's own colour transform; what it gives is red, green and blue then.
    colour: multiComponent ? 'rgb' : null,
    planar: false,
    data: closed(stream, endOfTileParts(stream, tileParts)),
  }
}

const CODING_STYLE = 0xff52
const TILE_PART = 0xff90
const COMMENT = 0xff64
const END_OF_CODESTREAM = 0xffd9

/** @returns whether it says that colours were transformed, and where the first tile-part begins */
function readMainHeader(stream: Uint8Array): { multiComponent: boolean; tileParts: number } {
  let multiComponent = false
  let at = 2
  while (at + 4 <= stream.length) {
    const marker = big16(stream, at)
    if (marker === TILE_PART) return { multiComponent, tileParts: at }
    if (marker === CODING_STYLE) multiComponent = stream[at + 8] === 1
    at += 2 + big16(stream, at + 2)
  }
  throw cutOff()
}

/** Follows the tile-parts: decoders take a missing one for an image that is blurred there. */
function endOfTileParts(stream: Uint8Array, start: number): number {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
  let at = start
  while (at + 12 <= stream.length && view.getUint16(at) === TILE_PART) {
    const length = view.getUint32(at + 6)
    // The last part may leave its length open, and then ends where the image does.
    if (length === 0) return stream.length
    at += length
  }
  // Behind the last part the image ends, but some writers fill up with a comment, and some forget the end.
  const next = at + 2 <= stream.length ? view.getUint16(at) : END_OF_CODESTREAM
  if (at > stream.length || (next !== END_OF_CODESTREAM && next !== COMMENT))
    throw new Error('its compressed frame is cut off, or a fragment of it is missing')
  return at
}

/** Up to `end`, with an end marker: decoders stumble over comments there. */
function closed(stream: Uint8Array, end: number): Uint8Array {
  if (end === stream.length || (end + 2 <= stream.length && big16(stream, end) === END_OF_CODESTREAM))
    return stream
  const data = new Uint8Array(end + 2)
  data.set(stream.subarray(0, end))
  data.set([END_OF_CODESTREAM >> 8, END_OF_CODESTREAM & 0xff], end)
  return data
}

/** The content of a JP2 file's codestream box. */
function codestreamBox(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  let at = 0
  while (at + 8 <= file.length) {
    const length = view.getUint32(at)
    if (ascii(file.subarray(at + 4), 4) === 'jp2c')
      return file.subarray(at + 8, length === 0 ? file.length : at + length)
    if (length < 8) break
    at += length
  }
  throw new Error('its compressed frame is not JPEG 2000')
}

function ascii(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length))
}

function big16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1]
}
