import { readCodestream, type Codestream } from './codestream.js'
import { decodeCompressed } from './codecs.js'
import { encapsulatedFrame } from './encapsulation.js'
import type { DicomFile } from './file.js'
import type { ImagePixel } from './image-pixel.js'
import { decodeRle } from './rle.js'
import type { Compression } from './transfer-syntax.js'
import { UnsupportedError } from '../format.js'

/** The samples of a frame as they lie in the file or come from the decoder. */
export interface Frame {
  /**
   * [pixels, samples], or [samples, pixels] where `planar`; of uncompressed YBR_FULL_422 the four values
   * (Y, Y, Cb, Cr) of every two pixels. Integers unsigned, with all bits, also those that do not count.
   */
  words: Words
  planar: boolean
  /** Which bits of the words count. */
  bits: StoredBits
  /** What a compressed frame says of its colours; null where it says nothing. */
  colour: Codestream['colour']
}

export type Words = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array

export type StoredBits = Pick<ImagePixel, 'bitsStored' | 'highBit' | 'signed' | 'float'>

/**
 * Reads or decodes one frame.
 *
 * @param index from 0
 * @throws Error where there is no such frame, or its data is damaged or not all there
 */
export function readFrame(file: DicomFile, index: number): Frame {
  const { frames } = file.image
  if (!Number.isInteger(index) || index < 0 || index >= frames)
    throw new UnsupportedError(
      `it has ${frames === 1 ? '1 frame' : `${frames} frames`}, and number ${index} (from 0) is asked for`,
    )
  return file.syntax.compression === null ? uncompressed(file, index) : compressed(file, index)
}

function uncompressed({ image, pixels, bytes, syntax }: DicomFile, index: number): Frame {
  if (pixels.length === null)
    throw new Error(
      `its transfer syntax says ${syntax.name}, but its pixels are encapsulated as compressed ones`,
    )
  const { rows, columns, frames, samples, bitsAllocated, planar } = image
  // Two pixels share a pair of colour values.
  const perPixel = image.photometric === 'YBR_FULL_422' ? 2 : samples
  if (perPixel === 2 && columns % 2 === 1)
    throw new Error(`its header says YBR_FULL_422 with ${columns} columns, an odd number`)
  const size = (rows * columns * perPixel * bitsAllocated) / 8
  if (size * frames > pixels.length) {
    throw new Error(
      `its pixel data has ${pixels.length} bytes, where ${frames} x ${rows} x ${columns} pixels need ${size * frames}`,
    )
  }
  const start = pixels.offset + index * size
  // Bytes that lie in 16-bit words are swapped with them.
  const unit = bitsAllocated === 8 && pixels.vr === 'OW' ? 2 : bitsAllocated / 8
  const data = inMachineOrder(bytes.subarray(start, start + size), unit, syntax.bigEndian)
  return { words: wordsOf(data, bitsAllocated, image.float), planar, bits: image, colour: null }
}

function compressed(file: DicomFile, index: number): Frame {
  const { image, pixels, bytes, syntax } = file
  const { rows, columns, samples } = image
  if (pixels.length !== null)
    throw new Error(`its transfer syntax says ${syntax.name}, but its pixels are not encapsulated`)
  const data = encapsulatedFrame(bytes, pixels, image.frames, index)
  if (syntax.compression === 'rle' || syntax.compression === null) {
    const decoded = decodeRle(data, rows * columns, samples, image.bitsAllocated / 8)
    return {
      words: wordsOf(decoded, image.bitsAllocated, false),
      planar: samples > 1,
      bits: image,
      colour: null,
    }
  }
  const codestream = readCodestream(data, syntax.compression)
  checkAgainstHeader(codestream, image, syntax.compression)
  const decoded = decodeCompressed(syntax.compression, codestream)
  return {
    words: wordsOf(decoded, codestream.bits <= 8 ? 8 : 16, false),
    planar: codestream.planar,
    bits: storedBits(codestream, image),
    colour: codestream.colour,
  }
}

function checkAgainstHeader(
  codestream: Codestream,
  { rows, columns, samples }: ImagePixel,
  compression: Compression,
): void {
  const { width, height, components, bits } = codestream
  if (width !== columns || height !== rows || components !== samples) {
    throw new Error(
      `its compressed frame has ${width} x ${height} pixels of ${components} samples, ` +
        `where its header says ${columns} x ${rows} of ${samples}`,
    )
  }
  // OpenJPEG's wrapper keeps the low 8 bits of each colour.
  if (bits > 16 || (bits > 8 && components > 1 && compression === 'jpeg-2000'))
    throw new Error(
      `its compressed frame has ${components} samples of ${bits} bits, more than its decoder gives`,
    )
}

/** Decoders give samples in the low bits of 8 or 16, whatever was allocated; signed JPEG 2000 with its sign extended. */
function storedBits(codestream: Codestream, image: ImagePixel): StoredBits {
  const width = codestream.bits <= 8 ? 8 : 16
  const bitsStored = Math.min(image.bitsStored, width)
  const highBit = codestream.bits > image.highBit ? image.highBit : bitsStored - 1
  return { bitsStored, highBit, signed: image.signed || codestream.signed === true, float: false }
}

const MACHINE_IS_BIG_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0

/** @param unit bytes that are swapped together */
function inMachineOrder(bytes: Uint8Array, unit: number, bigEndian: boolean): Uint8Array {
  if (unit === 1 || bigEndian === MACHINE_IS_BIG_ENDIAN) return bytes
  const swapped = new Uint8Array(bytes.length)
  const mask = unit - 1
  for (let at = 0; at < bytes.length; at++) swapped[at ^ mask] = bytes[at]
  return swapped
}

/** The bytes as numbers; copies only where they do not begin at a multiple of the numbers' size. */
function wordsOf(bytes: Uint8Array, bits: ImagePixel['bitsAllocated'], float: boolean): Words {
  const size = bits / 8
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  const length = bytes.length / size
  if (bits === 64) return new Float64Array(buffer, byteOffset, length)
  if (float) return new Float32Array(buffer, byteOffset, length)
  if (bits === 32) return new Uint32Array(buffer, byteOffset, length)
  return bits === 16
    ? new Uint16Array(buffer, byteOffset, length)
    : new Uint8Array(buffer, byteOffset, length)
}

/**
 * How a word becomes a stored value: the bits from `highBit` down, the first of them the sign where there is one.
 * A function of one word, so that it can fill a table.
 */
export function storedValueOf({ bitsStored, highBit, signed, float }: StoredBits): (word: number) => number {
  if (float) return (word) => word
  const shift = highBit + 1 - bitsStored
  const unused = 32 - bitsStored
  return signed
    ? (word) => ((word >>> shift) << unused) >> unused
    : (word) => ((word >>> shift) << unused) >>> unused
}
