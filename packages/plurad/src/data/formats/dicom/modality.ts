import type { Attributes } from './attributes.js'
import { frameSettings } from './functional-groups.js'
import type { ImagePixel } from './image-pixel.js'
import { lookUp, readLookupTable } from './lookup-table.js'
import { tags } from './tags.js'

/** From stored values to what was measured, such as Hounsfield units (PS3.3, C.11.1). */
export interface Modality {
  map: (stored: number) => number
  /** Least and greatest result that the bit depth allows; of floating point numbers infinite. */
  range: readonly [number, number]
}

/** The Modality LUT where there is one, else slope and intercept, else the stored values. */
export function readModality(
  attributes: Attributes,
  image: ImagePixel,
  frame: number,
  warnings: string[],
): Modality {
  const stored = storedRange(image)
  const [item] = attributes.items(tags.ModalityLUTSequence)
  const table =
    item === undefined
      ? null
      : readLookupTable(item, { descriptor: tags.LUTDescriptor, data: tags.LUTData }, stored)
  if (table !== null) return { map: (value) => lookUp(table, value), range: [0, 2 ** table.bits - 1] }
  const settings = frameSettings(attributes, frame, tags.PixelValueTransformationSequence)
  let slope = settings.decimal(tags.RescaleSlope, 'rescale slope') ?? 1
  const intercept = settings.decimal(tags.RescaleIntercept, 'rescale intercept') ?? 0
  if (slope === 0) {
    warnings.push('its rescale slope is 0, which would make all pixels equal; read as 1')
    slope = 1
  }
  const map = (value: number): number => value * slope + intercept
  const [low, high] = stored.map(map)
  return { map, range: low < high ? [low, high] : [high, low] }
}

/** Least and greatest value that the stored bits can hold. */
export function storedRange({ bitsStored, signed, float }: ImagePixel): readonly [number, number] {
  if (float) return [-Infinity, Infinity]
  return signed ? [-(2 ** (bitsStored - 1)), 2 ** (bitsStored - 1) - 1] : [0, 2 ** bitsStored - 1]
}
