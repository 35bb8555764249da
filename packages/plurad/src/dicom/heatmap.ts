/** A heat map of one label over one frame of the source image, as objects for a PACS show it. */
import { dcm, item } from './codes.js'
import { referenceTo } from './maker.js'
import type { SourceImage } from './source.js'
import { shortText, type Dataset } from './write.js'

export interface LabelHeatmap {
  label: string
  /** In [0, 1], as it is reported. */
  probability: number
  /** Sets of views over which the probability is a mean, while the map is of the image as it is; left out for none. */
  views?: readonly string[]
  /** Such as `grad-cam`. */
  method: string
  /** Rows and columns; the map covers the whole source image. */
  shape: readonly number[]
  /** Row-major, in [0, 1]. */
  values: Float32Array
}

/** How the object came from which image (General Reference, PS3.3, C.12.4). */
export function derivation(
  { label, probability, method, views = [] }: LabelHeatmap,
  source: SourceImage,
  frame: number,
): { description: string; sourceImages: Dataset } {
  return {
    description: shortText(
      `Heat map (${method}) of the label ${label}, probability ${probability.toFixed(3)}, by a neural network` +
        (views.length === 0
          ? ''
          : `. The probability is the mean over the image and its ${views.join(', ')}; the map is of the image as it is`),
      1024,
    ),
    sourceImages: {
      ...referenceTo(source, frame),
      PurposeOfReferenceCodeSequence: item(dcm('121322', 'Source image for image processing operation')),
    },
  }
}

/** Rows and columns. Throws `RangeError` where the values are not as many, or not in [0, 1]. */
export function sidesOf({ shape, values }: LabelHeatmap): { rows: number; columns: number } {
  const [rows, columns] = shape
  if (shape.length !== 2 || rows * columns !== values.length)
    throw new RangeError(
      `a heat map of [${shape.join(', ')}] with ${values.length} values: expected rows and columns`,
    )
  const outside = values.find((value) => !(value >= 0 && value <= 1))
  if (outside !== undefined) throw new RangeError(`a heat map with the value ${outside}: expected 0 to 1`)
  return { rows, columns }
}
