import type { DecodedImage } from '../../image.js'
import { lookUp, occurring } from '../../look-up.js'
import type { WindowChoice } from '../../preprocessing.js'
import { renderColour, renderPalette } from './colour.js'
import type { DicomFile } from './file.js'
import { readFrame, storedValueOf, type Frame } from './frame.js'
import { readModality } from './modality.js'
import { readPadding } from './padding.js'
import { chooseVoi, readFileVoi } from './voi.js'

/** The value of the 16-bit grid that stands for white. */
const WHITE = 65535

/** Pixels outside of the window from which on a user should know. The air round a patient alone is over half of a CT slice. */
const MOST_OUTSIDE = 0.9

export interface RenderOptions {
  /** Whether the file's content is nobody else's, and each of its frames is rendered once: pixels then replace it. */
  own?: boolean | undefined
}

/**
 * One frame as an image. Grey ones go through Modality LUT, VOI LUT or window, and inversion where low values are white
 * (MONOCHROME1), to 16 bits; padding becomes black. Colour ones become RGB, without a window.
 *
 * @param index from 0
 */
export function renderFrame(
  file: DicomFile,
  index: number,
  window: WindowChoice,
  { own = false }: RenderOptions = {},
): DecodedImage {
  const { photometric } = file.image
  const warnings = [...file.warnings]
  const image =
    photometric === 'PALETTE COLOR'
      ? renderPalette(file, index)
      : file.image.samples === 3
        ? renderColour(file, index, warnings)
        : renderGrey(file, index, window, own, warnings)
  return warnings.length === 0 ? image : { ...image, warning: warnings.join('; ') }
}

function renderGrey(
  file: DicomFile,
  index: number,
  window: WindowChoice,
  own: boolean,
  warnings: string[],
): DecodedImage {
  const { image, header } = file
  const frame = readFrame(file, index)
  const { place, outside, isFull, isPadding } = brightness(file, index, frame, window, warnings)
  const inverted = image.photometric === 'MONOCHROME1'
  const shade = (stored: number): number => {
    if (isPadding?.(stored) === true) return 0
    const value = Math.round(place(stored) * WHITE)
    return inverted ? WHITE - value : value
  }
  const { words } = frame
  // Fresh memory of that size costs the system more than the look-up.
  const isFresh = words.buffer !== file.bytes.buffer
  const replaces = words instanceof Uint16Array && (isFresh || (own && image.frames === 1))
  const data = replaces ? words : new Uint16Array(words.length)
  const kind = (stored: number): Kind => (isPadding?.(stored) === true ? 2 : outside(stored) ? 1 : 0)
  const partOutside = paint(frame, data, shade, kind)
  if (partOutside > MOST_OUTSIDE)
    warnings.push(`${Math.round(100 * partOutside)} % of its pixels are outside of the window`)
  if (isFull && window === 'file' && image.bitsStored > 8)
    warnings.push('it has no window; all values that its bits can hold are shown')
  if (
    typeof window === 'string' &&
    !['file', 'full'].includes(window) &&
    !['CT', null].includes(header.modality)
  )
    warnings.push(`the window "${window}" is in Hounsfield units, its modality is ${String(header.modality)}`)
  return { width: image.columns, height: image.rows, channels: 1, maxValue: WHITE, data }
}

interface Brightness {
  /** Stored value -> 0 ... 1, before any inversion. */
  place: (stored: number) => number
  outside: (stored: number) => boolean
  isPadding: ((stored: number) => boolean) | null
  isFull: boolean
}

/** Puts together what happens to a grey pixel. */
export function brightness(
  { attributes, image }: DicomFile,
  index: number,
  { words, bits }: Frame,
  window: WindowChoice,
  warnings: string[],
): Brightness {
  const isPadding = readPadding(attributes, bits)
  const modality = readModality(attributes, { ...image, ...bits }, index, warnings)
  const range = image.float ? valueRange(words, modality.map, isPadding) : modality.range
  const { voi, isFull } = chooseVoi(window, readFileVoi(attributes, index, range, warnings), range)
  return {
    place: (stored) => voi.map(modality.map(stored)),
    outside: (stored) => !voi.inside(modality.map(stored)),
    isPadding,
    isFull,
  }
}

/** Least and greatest value of the pixels that are no padding. */
function valueRange(
  words: Frame['words'],
  map: (stored: number) => number,
  isPadding: Brightness['isPadding'],
): readonly [number, number] {
  let low = Infinity
  let high = -Infinity
  for (const word of words) {
    if (isPadding?.(word) === true) continue
    const value = map(word)
    if (value < low) low = value
    if (value > high) high = value
  }
  return [low, high]
}

/** 0 inside of the window, 1 outside, 2 padding. */
type Kind = 0 | 1 | 2

/** Of large images every 31st pixel tells well enough how many lie outside of the window. */
const SAMPLED_FROM = 2 ** 20
const SAMPLE_STEP = 31

/** Fills `data`, and says which part of the pixels that are no padding lies outside of the window. */
function paint(
  { words, bits }: Frame,
  data: Uint16Array,
  shadeOf: (stored: number) => number,
  kindOf: (stored: number) => Kind,
): number {
  const stored = storedValueOf(bits)
  const step = words.length >= SAMPLED_FROM ? SAMPLE_STEP : 1
  const counts: [number, number, number] = [0, 0, 0]
  if (words instanceof Uint8Array || words instanceof Uint16Array) {
    // Only of words that occur: most of 65,536 never do.
    const occurs = occurring(words)
    const shades = new Uint16Array(occurs.length)
    const kinds = new Uint8Array(occurs.length)
    for (let word = 0; word < occurs.length; word++) {
      if (occurs[word] === 0) continue
      const value = stored(word)
      shades[word] = shadeOf(value)
      kinds[word] = kindOf(value)
    }
    // Before `data`, which may be the words themselves.
    for (let at = 0; at < words.length; at += step) counts[kinds[words[at]] as Kind]++
    lookUp(words, shades, data)
  } else {
    for (let at = 0; at < words.length; at++) data[at] = shadeOf(stored(words[at]))
    for (let at = 0; at < words.length; at += step) counts[kindOf(stored(words[at]))]++
  }
  const [inside, outside] = counts
  return outside / Math.max(1, inside + outside)
}
