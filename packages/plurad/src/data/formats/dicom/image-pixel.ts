import { MAX_PIXELS } from '../../image.js'
import type { Attributes } from './attributes.js'
import type { PixelElement } from './parse.js'
import { tags } from './tags.js'

const photometrics = [
  'MONOCHROME1',
  'MONOCHROME2',
  'PALETTE COLOR',
  'RGB',
  'YBR_FULL',
  'YBR_FULL_422',
  'YBR_ICT',
  'YBR_RCT',
] as const

/** What the samples of a pixel mean (PS3.3, C.7.6.3.1.2). */
export type Photometric = (typeof photometrics)[number]

/** The Image Pixel module (PS3.3, C.7.6.3), checked. */
export interface ImagePixel {
  rows: number
  columns: number
  frames: number
  samples: 1 | 3
  photometric: Photometric
  /** Whether colours come one plane after the other, in frames that are not compressed. */
  planar: boolean
  /** Bits from one sample to the next; 8, 16 or 32 of integers, 32 or 64 of floating point numbers. */
  bitsAllocated: 8 | 16 | 32 | 64
  /** Bits that count, up to `highBit`; the others may hold anything, such as overlays. */
  bitsStored: number
  highBit: number
  signed: boolean
  float: boolean
}

/**
 * @param warnings is told of what had to be guessed
 * @throws Error where the header claims what cannot be, or what we do not read
 */
export function readImagePixel(attributes: Attributes, pixels: PixelElement, warnings: string[]): ImagePixel {
  const rows = attributes.word(tags.Rows) ?? 0
  const columns = attributes.word(tags.Columns) ?? 0
  if (rows * columns === 0 || rows * columns > MAX_PIXELS)
    throw new Error(`its header says ${columns} x ${rows} pixels, where 1 to ${MAX_PIXELS} are expected`)
  const samples = attributes.word(tags.SamplesPerPixel) ?? 1
  if (samples !== 1 && samples !== 3)
    throw new Error(`its header says ${samples} samples a pixel, where 1 or 3 are expected`)
  const photometric = readPhotometric(attributes, samples, warnings)
  const bits = readBits(attributes, pixels)
  if (bits.bitsAllocated > 16 && !photometric.startsWith('MONOCHROME'))
    throw new Error(`its header says ${photometric} of ${bits.bitsAllocated} bits a sample, more than 16`)
  const frames = attributes.decimal(tags.NumberOfFrames, 'number of frames') ?? 1
  if (!Number.isInteger(frames) || frames < 0) throw new Error(`its header says ${frames} frames`)
  return {
    rows,
    columns,
    frames: Math.max(1, frames),
    samples,
    photometric,
    planar: samples === 3 && attributes.word(tags.PlanarConfiguration) === 1,
    ...bits,
  }
}

function readPhotometric(attributes: Attributes, samples: 1 | 3, warnings: string[]): Photometric {
  const text = attributes.text(tags.PhotometricInterpretation)
  if (text === null) {
    const guess = samples === 3 ? 'RGB' : 'MONOCHROME2'
    warnings.push(`the header does not say how pixels become colours; read as ${guess}`)
    return guess
  }
  const photometric = photometrics.find((candidate) => candidate === text)
  if (photometric === undefined)
    throw new Error(
      `its photometric interpretation is "${text.slice(0, 20)}", where one of ${photometrics.join(', ')} is expected`,
    )
  if ((samples === 1) !== isOneSample(photometric))
    throw new Error(`its header says ${photometric}, and ${samples} samples a pixel`)
  return photometric
}

function isOneSample(photometric: Photometric): boolean {
  return photometric.startsWith('MONOCHROME') || photometric === 'PALETTE COLOR'
}

type Bits = Pick<ImagePixel, 'bitsAllocated' | 'bitsStored' | 'highBit' | 'signed' | 'float'>

function readBits(attributes: Attributes, { kind }: PixelElement): Bits {
  if (kind !== 'integer') {
    const bits = kind === 'float' ? 32 : 64
    return { bitsAllocated: bits, bitsStored: bits, highBit: bits - 1, signed: true, float: true }
  }
  const bitsAllocated = attributes.word(tags.BitsAllocated) ?? 16
  if (bitsAllocated !== 8 && bitsAllocated !== 16 && bitsAllocated !== 32)
    throw new Error(`its header says ${bitsAllocated} bits a sample, where 8, 16 or 32 are expected`)
  const bitsStored = attributes.word(tags.BitsStored) ?? bitsAllocated
  const highBit = attributes.word(tags.HighBit) ?? bitsStored - 1
  if (bitsStored < 1 || bitsStored > bitsAllocated || highBit >= bitsAllocated || highBit < bitsStored - 1)
    throw new Error(
      `its header says that of ${bitsAllocated} bits ${bitsStored} up to bit ${highBit} are used, which cannot be`,
    )
  const signed = attributes.word(tags.PixelRepresentation) === 1
  return { bitsAllocated, bitsStored, highBit, signed, float: false }
}
