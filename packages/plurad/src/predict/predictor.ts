/**
 * Findings of one or several exported models for images. Without libtorch and without Node: `node.ts` adds files, threads
 * and ONNX Runtime's native build.
 */
import { DataError } from '../errors.js'
import type { DecodedImage } from '../data/image.js'
import { preprocess } from '../data/preprocess.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { applyRange } from '../data/value-range.js'
import type { ModelInfo } from '../models/model-info.js'
import type { OnnxModel } from './onnx-model.js'

/** One image or, for models of several images a sample, one a place; null where one is missing. */
export type DecodedSample = DecodedImage | readonly (DecodedImage | null)[]

export class Predictor {
  /** One, or several whose probabilities are averaged. */
  readonly models: readonly OnnxModel[]
  /** In the order of the probabilities. */
  readonly labels: readonly string[]

  /** @throws DataError where the models have different labels */
  constructor(models: readonly OnnxModel[]) {
    if (models.length === 0) throw new DataError('A prediction needs at least one model.')
    this.models = models
    this.labels = models[0].info.labels
    const sorted = [...this.labels].sort().join('\n')
    for (const { info } of models) {
      if ([...info.labels].sort().join('\n') === sorted) continue
      throw new DataError(
        `The models of an ensemble need the same labels; one has ${this.labels.join(', ')}, another ${info.labels.join(', ')}.`,
      )
    }
  }

  /**
   * The first model's description. Thresholds belong to one model's probabilities: an ensemble has none.
   */
  get info(): ModelInfo {
    const { info } = this.models[0]
    return this.models.length === 1 ? info : { ...info, thresholds: this.labels.map(() => null) }
  }

  /** Probabilities [samples, labels] for images that are decoded already. */
  async predictDecoded(samples: readonly DecodedSample[]): Promise<Float64Array> {
    const scores = await Promise.all(
      this.models.map(async (model) => {
        const pixels = pixelsOf(samples, model.info)
        return this.inOrder(model, await model.probabilities(pixels, samples.length))
      }),
    )
    return meanOf(scores)
  }

  /** A model's probabilities in the order of `labels`. */
  protected inOrder(model: OnnxModel, scores: Float64Array): Float64Array {
    const own = model.info.labels
    if (own.every((label, i) => label === this.labels[i])) return scores
    const places = this.labels.map((label) => own.indexOf(label))
    return scores.map((_, at) => {
      const column = at % own.length
      return scores[at - column + places[column]]
    })
  }

  async close(): Promise<void> {
    for (const model of this.models) await model.close()
  }
}

/** [samples, images * channels, size, size] in [0, 1]; what a sample lacks of its images is black. */
function pixelsOf(samples: readonly DecodedSample[], info: ModelInfo): Float32Array {
  const preprocessing = preprocessingOf(info)
  const length = info.channels * info.size * info.size
  const pixels = new Float32Array(samples.length * info.images * length)
  samples.forEach((sample, row) => {
    const images = 'data' in sample ? [sample] : sample
    if (images.length > info.images) {
      throw new DataError(
        `A sample has ${images.length} images, the model knows no more than ${info.images}.`,
      )
    }
    images.forEach((image, place) => {
      if (image !== null)
        pixels.set(
          preprocess(applyRange(image, preprocessing), preprocessing),
          (row * info.images + place) * length,
        )
    })
  })
  return pixels
}

/** Of as many numbers each. */
export function meanOf(scores: readonly Float64Array[]): Float64Array {
  if (scores.length === 1) return scores[0]
  return scores[0].map((_, at) => scores.reduce((sum, each) => sum + each[at], 0) / scores.length)
}
