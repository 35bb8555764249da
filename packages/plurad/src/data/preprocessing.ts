/** What is done to an image before it meets a model. A recipe says it, a model file carries it, every reader obeys it. */
import { z } from 'zod'

/**
 * How an image becomes a square.
 * - `crop`: the shorter side becomes `size`, then the centre is cut out; torchvision's `Resize` + `CenterCrop`.
 * - `letterbox`: the longer side becomes `size`, the rest is black, the picture in the middle; nothing is lost.
 * - `stretch`: both sides become `size`, whatever the proportions.
 */
const resizeRules = ['crop', 'letterbox', 'stretch'] as const

/** Antialiased both, as torchvision's `Resize(antialias=True)`. */
const interpolations = ['bilinear', 'bicubic'] as const

/** Windows by name, [centre, width] in Hounsfield units, as CT workstations offer them. */
export const namedWindows = {
  lung: [-600, 1500],
  mediastinum: [40, 400],
  'soft-tissue': [40, 400],
  abdomen: [60, 400],
  liver: [30, 150],
  bone: [400, 1800],
  brain: [40, 80],
  subdural: [75, 215],
  stroke: [40, 40],
} as const satisfies Record<string, readonly [number, number]>

export type NamedWindow = keyof typeof namedWindows

/**
 * Which stored values become black and white, for files whose values are measurements (DICOM, NIfTI, arrays, and TIFF of
 * signed, 32-bit or floating-point values); PNG, JPEG and other TIFF always span their full scale.
 * - `file`: what the file asks for (DICOM: its VOI LUT, else its first window), else as `full`.
 * - `full`: DICOM: all values that its bit depth can hold, after rescaling; NIfTI and float arrays: the least to the
 *   greatest value of the whole volume; integer arrays: their type's range.
 * - a name of `namedWindows`, or a centre and a width in the units of the rescaled values.
 * - `{ preset }`: which of the file's own windows, from 0.
 */
const window = z.union([
  z.enum(['file', 'full', ...(Object.keys(namedWindows) as NamedWindow[])]),
  z.strictObject({ center: z.number(), width: z.number().positive() }),
  z.strictObject({ preset: z.int().min(0) }),
])

export const preprocessingShape = {
  /** Side of the square that images are brought to, pixels. */
  size: z.int().min(32).max(4096).default(224),
  /** 1 grey, 3 colour. */
  channels: z.union([z.literal(1), z.literal(3)]).default(1),
  /**
   * Side of the square that images are resized to before the centre of side `size` is cut out, such as 512 for a `size` of
   * 448; null: not cut. The augmentation `random_crop` cuts somewhere else in training.
   */
  resize_to: z.int().min(32).max(4096).nullable().default(null),
  /** How an image that is not square becomes square. */
  resize: z.enum(resizeRules).default('crop'),
  interpolation: z.enum(interpolations).default('bilinear'),
  /** Which values become black and white in DICOM, NIfTI and array files. */
  window: window.default('file'),
  /** Bits that 16-bit PNG, TIFF and array files really use, such as 12; null for all 16. */
  bits: z.int().min(8).max(16).nullable().default(null),
  /** Images a sample, such as 2 for both eyes of a patient: stacked as channels, black where one is missing. */
  images: z.int().min(1).max(16).default(1),
}

const preprocessingSchema = z.strictObject(preprocessingShape)

/** With every default filled in. The values stay in [0, 1] of the range above: mean and deviation belong to the model. */
export type Preprocessing = z.infer<typeof preprocessingSchema>

export type ResizeRule = Preprocessing['resize']
export type WindowChoice = Preprocessing['window']

/** Only what matters to pixels, out of something larger such as a recipe's `data` or a model file's description. */
export function preprocessingOf(settings: Preprocessing): Preprocessing {
  const { size, resize_to, channels, resize, interpolation, window, bits, images } = settings
  return { size, resize_to, channels, resize, interpolation, window, bits, images }
}

const defaults = preprocessingSchema.parse({})

/** All defaults but what is given, which is not checked. */
export function preprocessingWith(settings: Partial<Preprocessing> = {}): Preprocessing {
  return { ...defaults, ...settings }
}
