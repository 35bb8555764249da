import type { DecodedImage } from '../../image.js'
import { cmykToRgb } from '../cmyk.js'
import { decodeCompressed } from '../dicom/codecs.js'
import { readCodestream, type Codestream } from '../dicom/codestream.js'
import { endsImage } from '../dicom/encapsulation.js'
import { exifOrientation, orientationWarning } from '../exif.js'
import type { ImageFormat } from '../format.js'
import { assertPlausibleJpeg, jpegFile, jpegSegments } from '../jpeg-header.js'
import { loadDecoders } from './decoders.js'

/**
 * JPEG through libjpeg compiled to WebAssembly, the same that decodes DICOM: to the bit what `../jpeg.ts` gives in Node. A
 * browser's own decoder would apply colour profiles and turn photographs.
 */
export const jpeg: ImageFormat = {
  ...jpegFile,
  async decode(bytes): Promise<DecodedImage> {
    assertPlausibleJpeg(bytes)
    const { adobe, orientation } = marksOf(bytes)
    const codestream = readCodestream(bytes, 'jpeg')
    const { width, height, components, bits } = codestream
    if (bits !== 8) throw new Error(`its samples have ${bits} bits, where 8 are expected`)
    // The decoder does without, where all pixels are there; Node's does not.
    if (!endsImage(bytes)) throw new Error('it has no end-of-image marker')
    await loadDecoders()
    const samples = decodeCompressed('jpeg', codestream)
    const channels = components === 1 ? 1 : 3
    const data = toColours(samples, codestream, adobe)
    return {
      width,
      height,
      channels,
      maxValue: 255,
      data,
      asStored: false,
      warning: orientationWarning(orientation),
    }
  },
}

/** What Adobe's marker says of colour transforms (null: no marker), and how the camera was held. */
function marksOf(bytes: Uint8Array): { adobe: number | null; orientation: number } {
  let adobe: number | null = null
  let orientation = 1
  for (const { marker, body } of jpegSegments(bytes)) {
    if (marker === 0xe1 && orientation === 1) orientation = exifOrientation(body)
    const isAdobe =
      marker === 0xee && body.length >= 12 && String.fromCharCode(...body.subarray(0, 5)) === 'Adobe'
    if (isAdobe) adobe = body[11]
  }
  return { adobe, orientation }
}

/** The decoder's samples as grey or RGB, in place but for inks. */
function toColours(
  samples: Uint8Array<ArrayBuffer>,
  { components, colour, width, height }: Codestream,
  adobe: number | null,
): Uint8Array {
  if (components === 1 || (components === 3 && colour === 'rgb')) return samples
  if (components === 3) {
    toRgb(samples, 3, (value) => value)
    return samples
  }
  if (components !== 4) throw new Error(`it has ${components} components, where 1, 3 or 4 are expected`)
  // YCCK is the complement of CMY in YCbCr, black as it is; with Adobe's marker inks are stored inverted.
  if (adobe === 2) toRgb(samples, 4, (value) => 255 - value)
  if (adobe !== null) for (let at = 0; at < samples.length; at++) samples[at] = 255 - samples[at]
  return cmykToRgb(samples, width * height, 4)
}

/** libjpeg's numbers: 16 bits behind the point, halves rounded up. */
const fixed = (value: number): number => Math.round(value * 65536)
const [RED, BLUE, GREEN_RED, GREEN_BLUE] = [fixed(1.402), fixed(1.772), fixed(0.71414), fixed(0.34414)]
const HALF = 32768

/**
 * YCbCr to RGB as libjpeg does, in place: R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb, with Cb and
 * Cr from -128 on, rounded and cut off.
 *
 * @param step samples a pixel
 */
function toRgb(samples: Uint8Array, step: number, finish: (value: number) => number): void {
  const place = (value: number): number => finish(value < 0 ? 0 : value > 255 ? 255 : value)
  for (let at = 0; at < samples.length; at += step) {
    const luma = samples[at]
    const [cb, cr] = [samples[at + 1] - 128, samples[at + 2] - 128]
    samples[at] = place(luma + ((RED * cr + HALF) >> 16))
    samples[at + 1] = place(luma + ((HALF - GREEN_BLUE * cb - GREEN_RED * cr) >> 16))
    samples[at + 2] = place(luma + ((BLUE * cb + HALF) >> 16))
  }
}
