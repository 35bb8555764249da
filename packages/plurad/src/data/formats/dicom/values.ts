import type { WindowChoice } from '../../preprocessing.js'
import type { DicomFile } from './file.js'
import { readFrame, storedValueOf, type Frame } from './frame.js'
import { readModality } from './modality.js'
import { brightness } from './render.js'

export type StoredValues =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array

/**
 * The stored values of a frame: bits that do not count masked, signs extended, colours as the file or the decoder gives
 * them: [pixels, samples], or [samples, pixels] where the frame is planar.
 */
export function storedValues(file: DicomFile, index = 0): StoredValues {
  return stored(readFrame(file, index))
}

function stored({ words, bits }: Frame): StoredValues {
  const { bitsStored, signed, float } = bits
  if (float) return words.slice()
  const unsigned = bitsStored <= 8 ? Uint8Array : bitsStored <= 16 ? Uint16Array : Uint32Array
  const withSign = bitsStored <= 8 ? Int8Array : bitsStored <= 16 ? Int16Array : Int32Array
  const values = new (signed ? withSign : unsigned)(words.length)
  const valueOf = storedValueOf(bits)
  for (let at = 0; at < words.length; at++) values[at] = valueOf(words[at])
  return values
}

/** Stored values after Modality LUT or rescale, such as Hounsfield units: [pixels] of a grey frame. */
export function modalityValues(file: DicomFile, index = 0): Float64Array {
  const frame = readFrame(file, index)
  const { map } = readModality(file.attributes, { ...file.image, ...frame.bits }, index, [])
  return Float64Array.from(stored(frame), map)
}

/** Brightness from 0 to 1 after VOI LUT or window, before the inversion of MONOCHROME1: [pixels] of a grey frame. */
export function voiValues(file: DicomFile, index = 0, window: WindowChoice = 'file'): Float64Array {
  const frame = readFrame(file, index)
  const { place } = brightness(file, index, frame, window, [])
  return Float64Array.from(stored(frame), place)
}
