import type { Attributes } from './attributes.js'
import { readHeader, type DicomHeader } from './header.js'
import { readImagePixel, type ImagePixel } from './image-pixel.js'
import { parse, type PixelElement } from './parse.js'
import type { TransferSyntax } from './transfer-syntax.js'
import { UnsupportedError } from '../format.js'

/** A DICOM file with pixels, none of them decoded yet. */
export interface DicomFile {
  header: DicomHeader
  attributes: Attributes
  syntax: TransferSyntax
  image: ImagePixel
  pixels: PixelElement
  /** What `pixels` points into: the file, of a deflated one its body inflated. */
  bytes: Uint8Array
  /** What had to be guessed. */
  warnings: readonly string[]
}

/**
 * Reads the header of a DICOM image and locates its pixels.
 *
 * @throws Error saying why, where the file is cut off, has no pixels, or is of a kind that is not read
 */
export function readDicom(file: Uint8Array): DicomFile {
  const { meta, attributes, syntax, bytes, pixels } = parse(file)
  const header = readHeader(meta, attributes)
  if (pixels === null || pixels.length === 0) {
    const { rows, columns, modality } = header
    if (rows !== null && columns !== null)
      throw new Error(`it has no pixel data, though its header describes ${columns} x ${rows} pixels`)
    throw new UnsupportedError(
      `it has no pixel data${modality === null ? '' : ` (its modality is ${modality})`}`,
    )
  }
  const warnings: string[] = []
  const image = readImagePixel(attributes, pixels, warnings)
  return { header, attributes, syntax, image, pixels, bytes, warnings }
}
