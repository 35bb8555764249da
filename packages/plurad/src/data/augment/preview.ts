/** What augmentation makes of images, to be looked at before it is trusted. */
import type { Sample } from '../dataset.js'
import { centreCrop } from '../preprocess.js'
import { Random, shuffled } from '../random.js'
import { Augmenter } from './augment.js'
import { find, type AugmentationStep } from './steps.js'

export interface PreviewOptions {
  /** Planes of one image: 1 grey, 3 red-green-blue. */
  channels: number
  /** Side of the images as they are loaded, and of those that the model sees. */
  size: number
  target: number
  /** How often each row is drawn. */
  draws: number
  /** First parts of the random numbers' name. */
  key: readonly number[]
}

export interface PreviewRow {
  title: string
  /** The settings. */
  detail: string
  /** [draws] of [planes, target, target] in [0, 1]. */
  pictures: Float32Array[]
}

/**
 * All steps together, as in training, and each of them alone. Alone, a step is always done, whatever its `p`.
 *
 * @param loaded [planes, size, size] in [0, 1] of one sample
 */
export function previewRows(
  loaded: Float32Array,
  steps: readonly AugmentationStep[],
  { channels, size, target, draws, key }: PreviewOptions,
): PreviewRow[] {
  const drawn = (some: readonly AugmentationStep[], from: number, pixels: Float32Array): Float32Array[] => {
    const augmenter = new Augmenter(some, { channels, size: from, target })
    return Array.from({ length: draws }, (_, draw) => augmenter.apply(pixels, new Random(...key, draw)))
  }
  const centre = centreCrop(loaded, size, target)
  const alone = steps.map((step) => {
    const { name, ...settings } = step
    if (find(name)?.crops)
      return { title: name, detail: describe(settings), pictures: drawn([step], size, loaded) }
    const always = { ...step, p: 1 }
    return { title: name, detail: describe(settings), pictures: drawn([always], target, centre) }
  })
  if (steps.length < 2) return alone
  const together = { title: 'all together', detail: 'as in training', pictures: drawn(steps, size, loaded) }
  return [together, ...alone]
}

function describe(settings: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown): string => (Array.isArray(value) ? value.join(' to ') : String(value))
  return Object.entries(settings)
    .map(([key, value]) => `${key} ${text(value)}`)
    .join(', ')
}

/**
 * Samples that show many labels, the rare ones too: in random order, those first that have one which none before had.
 */
export function variedSamples<S extends Pick<Sample, 'labels'>>(samples: readonly S[], random: Random): S[] {
  const seen = new Set<number>()
  const [first, later]: [S[], S[]] = [[], []]
  for (const sample of shuffled(samples, random)) {
    const own = sample.labels.flatMap((value, label) => (value === 1 ? [label] : []))
    const isNew = own.some((label) => !seen.has(label))
    own.forEach((label) => seen.add(label))
    ;(isNew ? first : later).push(sample)
  }
  return [...first, ...later]
}

/**
 * As bytes for an encoder, the images of a sample side by side.
 *
 * @param picture [images * channels, size, size] in [0, 1]
 * @returns [size, images * size, channels], interleaved
 */
export function pictureBytes(picture: Float32Array, channels: number, size: number): Uint8Array {
  const plane = size * size
  const images = picture.length / (channels * plane)
  const bytes = new Uint8Array(picture.length)
  for (let at = 0; at < picture.length; at++) {
    const image = Math.floor(at / (channels * plane))
    const channel = Math.floor(at / plane) % channels
    const [x, y] = [at % size, Math.floor((at % plane) / size)]
    bytes[((y * images + image) * size + x) * channels + channel] = Math.round(255 * picture[at])
  }
  return bytes
}
