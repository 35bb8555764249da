import dicomParser from 'dicom-parser'
import type { ByteArrayParser, ByteStream, Element } from 'dicom-parser'
import { Attributes, type Elements } from './attributes.js'
import { inflate } from './inflate.js'
import { tags } from './tags.js'
import {
  EXPLICIT_LITTLE_ENDIAN,
  IMPLICIT_LITTLE_ENDIAN,
  transferSyntax,
  transferSyntaxName,
  type TransferSyntax,
} from './transfer-syntax.js'
import { UnsupportedError } from '../format.js'

/** Where the pixels lie in `Parsed.bytes`. */
export interface PixelElement {
  kind: 'integer' | 'float' | 'double'
  vr: string | null
  offset: number
  /** Bytes; null where the frames are encapsulated. */
  length: number | null
  /** Byte offsets and lengths of the frames as the Extended Offset Table gives them; null without one. */
  extended: { offsets: number[]; lengths: number[] } | null
}

/** A file read up to its pixels. */
export interface Parsed {
  /** File meta information (group 0002). */
  meta: Attributes
  attributes: Attributes
  syntax: TransferSyntax
  /** The file; of a deflated one, its body inflated. */
  bytes: Uint8Array
  /** Null where there are none. */
  pixels: PixelElement | null
}

const PREAMBLE = 128
const UNDEFINED_LENGTH = 0xffffffff

/** Types with a 4-byte length that dicom-parser 1.8 does not know (added to the standard in 2019). */
const LONG_TYPES = new Set(['OV', 'SV', 'UV'])

/** Without this, dicom-parser reads a 2-byte length in elements of the newer types and loses its place. */
function streamOf(numbers: ByteArrayParser, bytes: Uint8Array, start: number): ByteStream {
  const stream = new dicomParser.ByteStream(numbers, bytes, start)
  const read = stream.readFixedString.bind(stream)
  stream.readFixedString = (length) => {
    const text = read(length)
    return length === 2 && LONG_TYPES.has(text) ? 'OB' : text
  }
  return stream
}

/**
 * Reads the elements of a DICOM file up to the pixels, which are only located.
 *
 * @param headOnly whether `file` may be the beginning of a file only: then elements beyond its end are absent
 * @throws Error where the file is cut off, is not DICOM, or has a transfer syntax that cannot be read
 */
export function parse(file: Uint8Array, headOnly = false): Parsed {
  const start = hasPrefix(file) ? PREAMBLE + 4 : 0
  const metaElements: Elements = {}
  const metaEnd = readElements(new Reader(file, start, true, false), metaElements, headOnly, 'x0003')
  const meta = new Attributes({
    elements: metaElements,
    byteArray: file,
    byteArrayParser: dicomParser.littleEndianByteArrayParser,
  })
  const uid = meta.text(tags.TransferSyntaxUID)
  let syntax = uid === null ? guess(file, metaEnd) : known(uid)
  const bytes = syntax.deflated ? inflate(file.subarray(metaEnd), headOnly) : file
  const bodyStart = syntax.deflated ? 0 : metaEnd
  if (!syntax.deflated && !syntax.bigEndian && syntax.compression === null) {
    // Some writers say one syntax and write the other; the bytes themselves are unmistakable.
    syntax = { ...syntax, explicit: looksExplicit(bytes, bodyStart, syntax.explicit) }
  }
  const elements: Elements = {}
  const reader = new Reader(bytes, bodyStart, syntax.explicit, syntax.bigEndian)
  readElements(reader, elements, headOnly, tags.ExtendedOffsetTable)
  return {
    meta,
    attributes: new Attributes({ elements, byteArray: bytes, byteArrayParser: reader.numbers }),
    syntax,
    bytes,
    pixels: headOnly ? null : reader.pixels(),
  }
}

/** Whether the file has `DICM` behind a preamble. */
export function hasPrefix(file: Uint8Array): boolean {
  return [0x44, 0x49, 0x43, 0x4d].every((byte, index) => file[PREAMBLE + index] === byte)
}

function known(uid: string): TransferSyntax {
  const syntax = transferSyntax(uid)
  if (syntax === null)
    throw new UnsupportedError(`its transfer syntax ${uid} (${transferSyntaxName(uid)}) is not one we read`)
  return syntax
}

/** For files without meta information. */
function guess(file: Uint8Array, start: number): TransferSyntax {
  return known(looksExplicit(file, start, false) ? EXPLICIT_LITTLE_ENDIAN : IMPLICIT_LITTLE_ENDIAN)
}

/** Whether the element at `start` has a type: two capital letters where implicit files have a length. */
function looksExplicit(bytes: Uint8Array, start: number, otherwise: boolean): boolean {
  if (start + 6 > bytes.length) return otherwise
  return [bytes[start + 4], bytes[start + 5]].every((byte) => byte >= 0x41 && byte <= 0x5a)
}

/**
 * Reads top-level elements until one whose tag is `end` or greater.
 *
 * @returns where that one begins
 */
function readElements(reader: Reader, elements: Elements, headOnly: boolean, end: string): number {
  for (;;) {
    const tag = reader.nextTag()
    if (tag === null || tag >= end) return reader.position
    const element = reader.element(tag, headOnly)
    if (element === null) return reader.position
    elements[tag] = element
  }
}

/** Goes from element to element, and never beyond the end of the bytes. */
class Reader {
  readonly numbers: ByteArrayParser
  readonly #stream: ByteStream
  readonly #bytes: Uint8Array
  readonly #explicit: boolean

  constructor(bytes: Uint8Array, start: number, explicit: boolean, bigEndian: boolean) {
    if (start >= bytes.length) throw new Error('the file ends within its header')
    this.numbers = bigEndian ? dicomParser.bigEndianByteArrayParser : dicomParser.littleEndianByteArrayParser
    this.#stream = streamOf(this.numbers, bytes, start)
    this.#bytes = bytes
    this.#explicit = explicit
  }

  get position(): number {
    return this.#stream.position
  }

  /** Null at the end; what is too short for an element is padding. */
  nextTag(): string | null {
    const { position } = this.#stream
    if (position + 8 > this.#bytes.length) return null
    const group = this.numbers.readUint16(this.#bytes, position)
    const number = this.numbers.readUint16(this.#bytes, position + 2)
    return `x${hex(group)}${hex(number)}`
  }

  /** @returns null where it passes the end of a file of which only the head is wanted */
  element(tag: string, headOnly: boolean): Element | null {
    const start = this.#stream.position
    try {
      const element = this.#explicit
        ? dicomParser.readDicomElementExplicit(this.#stream, this.#stream.warnings)
        : dicomParser.readDicomElementImplicit(this.#stream)
      // Sequences that the file's end cuts off are only a warning to the parser.
      const whole = !this.#stream.warnings.some((warning) => warning.startsWith('eof'))
      if (whole && element.dataOffset + element.length <= this.#bytes.length) return element
    } catch (error) {
      if (!headOnly) {
        throw new Error(`its element ${named(tag)} at byte ${start} cannot be read (${String(error)})`, {
          cause: error,
        })
      }
    }
    this.#stream.position = start
    if (headOnly) return null
    throw new Error(`the file ends within its element ${named(tag)}, which begins at byte ${start}`)
  }

  /** Locates the pixels, from the first element of group 7FE0 on. */
  pixels(): PixelElement | null {
    const tables: Record<string, number[] | undefined> = {}
    for (let tag = this.nextTag(); tag?.startsWith('x7fe0') === true; tag = this.nextTag()) {
      const { vr, offset, length } = this.#pixelHeader(tag)
      const kind = PIXEL_KINDS[tag]
      if (kind !== undefined) {
        const offsets = tables[tags.ExtendedOffsetTable]
        const lengths = tables[tags.ExtendedOffsetTableLengths]
        const extended = offsets === undefined || lengths === undefined ? null : { offsets, lengths }
        return { kind, vr, offset, length, extended }
      }
      if (length === null)
        throw new Error(`its element ${named(tag)} has an undefined length, which only pixels may have`)
      tables[tag] = this.#longs(offset, length)
      this.#stream.position = offset + length
    }
    return null
  }

  #pixelHeader(tag: string): { vr: string | null; offset: number; length: number | null } {
    const start = this.#stream.position
    const vr = this.#explicit ? String.fromCharCode(this.#bytes[start + 4], this.#bytes[start + 5]) : null
    const offset = start + (this.#explicit ? 12 : 8)
    if (offset > this.#bytes.length) throw new Error('the file ends within its pixel data')
    const length = this.numbers.readUint32(this.#bytes, offset - 4)
    if (length === UNDEFINED_LENGTH) return { vr, offset, length: null }
    const held = this.#bytes.length - offset
    if (length > held)
      throw new Error(`the file ends within its element ${named(tag)}: ${held} of ${length} bytes are there`)
    return { vr, offset, length }
  }

  #longs(offset: number, length: number): number[] {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + offset, length)
    return Array.from({ length: Math.floor(length / 8) }, (_, index) =>
      Number(view.getBigUint64(8 * index, true)),
    )
  }
}

const PIXEL_KINDS: Readonly<Record<string, PixelElement['kind'] | undefined>> = {
  [tags.PixelData]: 'integer',
  [tags.FloatPixelData]: 'float',
  [tags.DoubleFloatPixelData]: 'double',
}

function hex(number: number): string {
  return number.toString(16).padStart(4, '0')
}

/** `x00281052` -> `(0028,1052)` */
function named(tag: string): string {
  return `(${tag.slice(1, 5)},${tag.slice(5)})`.toUpperCase()
}
