/**
 * Findings of one or several exported models for images. Without libtorch, Node or a browser: `node.ts` and `web/` add
 * files, threads and their build of ONNX Runtime.
 */
import { DataError } from '../errors.js'
import type { DecodedImage } from '../data/image.js'
import { assertViews, viewsOf } from '../data/variations/views.js'
import type { ModelInfo } from '../models/model-info.js'
import { calibratedScores, type Findings, type Judged, type SampleNote } from './findings.js'
import { inputName, placesOfInput, type FileInput, type SampleInput } from './inputs.js'
import type { OnnxModel } from './onnx-model.js'
import { meanOutOfDistribution, type OutOfDistribution } from './out-of-distribution.js'
import { pixelsOf, type SampleReader } from './reader.js'

/** One image or, for models of several images a sample, one a place; null where one is missing. */
export type DecodedSample = DecodedImage | readonly (DecodedImage | null)[]

export interface LoadOptions {
  /**
   * Threads of the network; null or left out for what the runtime thinks best. In Node many files go through as many
   * networks of one thread each. In a browser more than one needs a page that is isolated (`crossOriginIsolated`), and is
   * one where it is not.
   */
  threads?: number | null
  /**
   * In Node, how many files will be predicted, where that is known: for many, threads start with the first of them, and no
   * network is loaded in this thread.
   */
  expecting?: number
  /** In a browser, where the WebAssembly files are, see `WasmPaths`. */
  wasmPaths?: WasmPaths
}

/**
 * The folder of `ort-wasm-simd-threaded.mjs`, `ort-wasm-simd-threaded.wasm` (package onnxruntime-web) and
 * `dcmjs-native-codecs.wasm` (package dcmjs-codecs), or the address of each. Seen from the page; left out, its own folder.
 */
export type WasmPaths = string | URL | { mjs: string | URL; wasm: string | URL; codecs: string | URL }

export interface PredictOptions {
  /** Samples that go through the network at once; left out, 4. */
  batchSize?: number
  /**
   * In Node, threads that each decode and predict, with a copy of the models; 0 for none. Left out, as many as `threads` and
   * a quarter of the memory allow, once the first files show that the others will take more than some seconds. A predictor that was
   * loaded with `threads: 1` has none to start.
   */
  workers?: number
  /**
   * Test-time augmentation: probabilities are means over each image as it is and over these views of it: `shifts`,
   * `rotations`, `zooms`, `flips`. Distances and warnings are of the image as it is.
   */
  views?: readonly string[]
  /** Stop at the first sample that cannot be read. */
  strict?: boolean
  /** Told after every batch; `total` counts each sample once a model. */
  onProgress?: (done: number, total: number) => void
}

export abstract class Predictor {
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
   * The first model's description. Thresholds and calibration belong to one model's probabilities: an ensemble has none.
   */
  get info(): ModelInfo {
    const { info } = this.models[0]
    if (this.models.length === 1) return info
    return { ...info, thresholds: this.labels.map(() => null), calibration: null }
  }

  /**
   * Reads images and predicts them with the preprocessing that the models were trained with. What cannot be read is listed
   * with the reason, and the rest goes on.
   *
   * @throws DataError where a sample has more images than the models know; naming the image, where it cannot be read, when
   *   strict
   * @throws RangeError for views that there are not
   */
  async predict(samples: readonly SampleInput[], options: PredictOptions = {}): Promise<Findings> {
    assertViews(options.views ?? [])
    for (const { info } of this.models) assertImagesFit(samples, info.images)
    const judged = await this.judge(samples, options)
    const { info } = this
    return {
      ...{ info, labels: this.labels, ...judged },
      images: judged.indices.map((index) => nameOf(samples[index], index)),
      calibrated: calibratedScores(info, judged.scores),
    }
  }

  /** The same of nothing but the samples. */
  protected async judge(samples: readonly SampleInput[], options: PredictOptions): Promise<Judged> {
    const readings: Reading[] = []
    for (const [i, model] of this.models.entries()) {
      const before = i * samples.length
      const total = this.models.length * samples.length
      readings.push(
        await this.#read(model, samples, {
          ...options,
          onProgress: (done) => options.onProgress?.(before + done, total),
        }),
      )
    }
    return this.#join(samples, readings)
  }

  /** Probabilities [samples, labels] for images that are decoded already. */
  async predictDecoded(samples: readonly DecodedSample[]): Promise<Float64Array> {
    const scores = await Promise.all(
      this.models.map(async (model) => {
        const pixels = pixelsOf(samples, model.info)
        return this.#inOrder(model, await model.probabilities(pixels, samples.length))
      }),
    )
    return meanOf(scores)
  }

  async close(): Promise<void> {
    for (const model of this.models) await model.close()
  }

  protected abstract reader(
    samples: readonly SampleInput[],
    info: ModelInfo,
    options: PredictOptions,
  ): SampleReader

  async #read(model: OnnxModel, samples: readonly SampleInput[], options: PredictOptions): Promise<Reading> {
    const reader = this.reader(samples, model.info, options)
    const reading: Reading = { rows: new Map(), failed: new Map(), warnings: new Map() }
    const count = this.labels.length
    try {
      for await (const { indices, pixels, failed } of reader.batches()) {
        for (const { index, reason } of failed) reading.failed.set(index, reason)
        if (indices.length > 0) {
          const found = await model.judge(pixels, indices.length)
          const seen = [found.probabilities]
          for (const view of viewsOf(options.views ?? [], pixels, model.info.size))
            seen.push(await model.probabilities(view, indices.length))
          const scores = this.#inOrder(model, meanOf(seen))
          for (const [row, index] of Array.from(indices).entries()) {
            const warning = reader.warningOf(index)
            if (warning !== null) reading.warnings.set(index, warning)
            reading.rows.set(index, {
              scores: scores.subarray(row * count, (row + 1) * count),
              outOfDistribution: found.outOfDistribution?.[row] ?? null,
            })
          }
        }
        options.onProgress?.(reading.rows.size + reading.failed.size, samples.length)
      }
      return reading
    } finally {
      await reader.close()
    }
  }

  /** The mean of what the models say, of the samples that all could read. */
  #join(samples: readonly SampleInput[], readings: readonly Reading[]): Judged {
    const indices = samples.flatMap((_, i) => (readings.every(({ rows }) => rows.has(i)) ? [i] : []))
    const scores = new Float64Array(indices.length * this.labels.length)
    const distances: (OutOfDistribution | null)[] = []
    indices.forEach((index, row) => {
      const rows = readings.map(({ rows: found }) => found.get(index) as Row)
      scores.set(meanOf(rows.map((each) => each.scores)), row * this.labels.length)
      distances.push(meanOutOfDistribution(rows.map(({ outOfDistribution }) => outOfDistribution)))
    })
    const known = distances.filter((each) => each !== null)
    return {
      indices,
      scores,
      outOfDistribution: known.length === distances.length && known.length > 0 ? known : null,
      unreadable: notesOf(
        samples,
        readings.map(({ failed }) => failed),
      ),
      warnings: notesOf(
        samples,
        readings.map(({ warnings }) => warnings),
      ),
    }
  }

  /** A model's probabilities in the order of `labels`. */
  #inOrder(model: OnnxModel, scores: Float64Array): Float64Array {
    const own = model.info.labels
    if (own.every((label, i) => label === this.labels[i])) return scores
    const places = this.labels.map((label) => own.indexOf(label))
    return scores.map((_, at) => {
      const column = at % own.length
      return scores[at - column + places[column]]
    })
  }
}

interface Row {
  scores: Float64Array
  outOfDistribution: OutOfDistribution | null
}

/** What one model says, by the samples' positions. */
interface Reading {
  rows: Map<number, Row>
  failed: Map<number, string>
  warnings: Map<number, string>
}

/** Refuses samples with more images than the model takes: the others would be left out silently. */
function assertImagesFit(samples: readonly SampleInput[], images: number): void {
  const most = samples.reduce<number>((count, sample) => Math.max(count, placesOfInput(sample).length), 1)
  if (most <= images) return
  throw new DataError(
    `There are samples of ${most} images, and the model knows ${images === 1 ? 'only 1' : `only ${images}`} of each: ` +
      `take one that was trained with data.images ${most}.`,
  )
}

function nameOf(sample: SampleInput, index: number): string {
  const first: FileInput = placesOfInput(sample).find((input) => input !== '') ?? ''
  return inputName(first, index)
}

/** One a sample, in the order given: what the first model with something to say of it says. */
function notesOf(
  samples: readonly SampleInput[],
  notes: readonly ReadonlyMap<number, string>[],
): SampleNote[] {
  return samples.flatMap((sample, index) => {
    const reason = notes.map((each) => each.get(index)).find((each) => each !== undefined)
    return reason === undefined ? [] : [{ image: nameOf(sample, index), index, reason }]
  })
}

/** Of as many numbers each. */
function meanOf(scores: readonly Float64Array[]): Float64Array {
  if (scores.length === 1) return scores[0]
  return scores[0].map((_, at) => scores.reduce((sum, each) => sum + each[at], 0) / scores.length)
}
