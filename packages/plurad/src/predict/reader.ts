/** From samples to the pixels that a model wants: decoded in this thread, wherever that runs. */
import { DataError } from '../errors.js'
import type { DecodedImage } from '../data/image.js'
import { preprocess } from '../data/preprocess.js'
import { preprocessingOf, type Preprocessing, type WindowChoice } from '../data/preprocessing.js'
import { warningOf } from '../data/unlike.js'
import { applyRange } from '../data/value-range.js'
import type { ModelInfo } from '../models/model-info.js'
import { inputName, placesOfInput, type FileInput, type SampleInput } from './inputs.js'

/** Samples of one run of the network. */
export interface SampleBatch {
  /** Which of the samples given these are: without those that could not be read. */
  indices: ArrayLike<number>
  /** [n, images * channels, size, size] in [0, 1], good until the next batch is asked for. */
  pixels: Float32Array
  failed: readonly { index: number; reason: string }[]
}

/** Reads the samples of one prediction. */
export interface SampleReader {
  batches(): AsyncIterable<SampleBatch>
  /** What there is to know of the images of a sample that has been read. */
  warningOf(index: number): string | null
  close(): Promise<void>
}

export interface ReaderSettings {
  batchSize: number
  /** The first sample that cannot be read is an error. */
  strict: boolean
}

/** @throws DataError naming the image, where it is missing, damaged or of no known format */
export type Decode = (input: FileInput, name: string, window: WindowChoice) => Promise<DecodedImage>

const NO_IMAGE = 'there is no image for this sample'

export class DecodingReader implements SampleReader {
  readonly #samples: readonly SampleInput[]
  readonly #preprocessing: Preprocessing
  readonly #settings: ReaderSettings
  readonly #decode: Decode
  readonly #warnings = new Map<number, string>()

  constructor(
    samples: readonly SampleInput[],
    preprocessing: Preprocessing,
    settings: ReaderSettings,
    decode: Decode,
  ) {
    this.#samples = samples
    this.#preprocessing = preprocessing
    this.#settings = settings
    this.#decode = decode
  }

  async *batches(): AsyncGenerator<SampleBatch> {
    const { batchSize, strict } = this.#settings
    const { channels, size, images } = this.#preprocessing
    const length = images * channels * size * size
    const memory = new Float32Array(Math.min(batchSize, this.#samples.length) * length)
    for (let start = 0; start < this.#samples.length; start += batchSize) {
      const indices: number[] = []
      const failed: { index: number; reason: string }[] = []
      for (let index = start; index < Math.min(start + batchSize, this.#samples.length); index++) {
        try {
          const decoded = await this.#decoded(index)
          const row = memory.subarray(indices.length * length, (indices.length + 1) * length)
          const warnings = fillPixels(row, decoded, this.#preprocessing)
          if (warnings.length > 0) this.#warnings.set(index, warnings.join('; '))
          indices.push(index)
        } catch (error) {
          if (strict) throw error
          failed.push({ index, reason: (error as Error).message })
        }
      }
      yield { indices, pixels: memory.subarray(0, indices.length * length), failed }
    }
  }

  warningOf(index: number): string | null {
    return this.#warnings.get(index) ?? null
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #decoded(index: number): Promise<(DecodedImage | null)[]> {
    const decoded: (DecodedImage | null)[] = []
    for (const input of placesOfInput(this.#samples[index])) {
      const window = this.#preprocessing.window
      decoded.push(input === '' ? null : await this.#decode(input, inputName(input, index), window))
    }
    if (decoded.every((image) => image === null)) throw new DataError(NO_IMAGE)
    return decoded
  }
}

/**
 * [samples, images * channels, size, size] in [0, 1] of images that are decoded already; what a sample lacks of its images
 * is black.
 */
export function pixelsOf(
  samples: readonly (DecodedImage | readonly (DecodedImage | null)[])[],
  info: ModelInfo,
): Float32Array {
  const preprocessing = preprocessingOf(info)
  const length = info.images * info.channels * info.size * info.size
  const pixels = new Float32Array(samples.length * length)
  samples.forEach((sample, row) => {
    fillPixels(
      pixels.subarray(row * length, (row + 1) * length),
      'data' in sample ? [sample] : sample,
      preprocessing,
    )
  })
  return pixels
}

/** Writes the pixels of one sample, and gives the warnings of its images. */
function fillPixels(
  pixels: Float32Array,
  images: readonly (DecodedImage | null)[],
  preprocessing: Preprocessing,
): string[] {
  if (images.length > preprocessing.images)
    throw new DataError(
      `A sample has ${images.length} images, the model knows no more than ${preprocessing.images}.`,
    )
  const length = pixels.length / preprocessing.images
  pixels.fill(0)
  return images.flatMap((image, place) => {
    if (image === null) return []
    const ranged = applyRange(image, preprocessing)
    pixels.set(preprocess(ranged, preprocessing), place * length)
    return warningOf(ranged, preprocessing) ?? []
  })
}
