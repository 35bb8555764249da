/** Prediction from files, in Node: the only module here that touches the file system, threads and the native runtime. */
import { availableParallelism } from 'node:os'
import { readFile } from 'node:fs/promises'
import type * as OnnxRuntime from 'onnxruntime-node'
import { ImageLoader } from '../data/loader.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { assertImagesFit, filesOf, placesOf, type ImageSource } from '../data/source.js'
import { DataError } from '../errors.js'
import type { ModelInfo } from '../models/model-info.js'
import { OnnxModel } from './onnx-model.js'
import { meanOf, Predictor } from './predictor.js'
import type { NamedTensor, Session, SessionOptions } from './runtime.js'

type Runtime = typeof OnnxRuntime

/** Loaded when the first model is. */
async function runtime(): Promise<Runtime> {
  const { default: module } = (await import('onnxruntime-node')) as unknown as { default: Runtime }
  return module
}

/** Loads a graph into ONNX Runtime on the processor. */
export async function openSession(
  model: Uint8Array,
  { threads, spin = true }: SessionOptions,
): Promise<Session> {
  const { InferenceSession, Tensor } = await runtime()
  const session = await InferenceSession.create(model, {
    ...(threads === null ? {} : { intraOpNumThreads: threads }),
    ...(spin ? {} : { extra: { session: { intra_op: { allow_spinning: '0' } } } }),
    logSeverityLevel: 3,
  })
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: async (inputs, outputs) => {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { data, dims }]) => [name, new Tensor('float32', data, dims)]),
      )
      const results = await session.run(feeds, [...outputs])
      return Object.fromEntries(
        Object.entries(results).map(([name, { data, dims }]): [string, NamedTensor] => [
          name,
          { data: data as Float32Array, dims },
        ]),
      )
    },
    close: () => session.release(),
  }
}

export interface LoadOptions {
  /** Threads of the network; null or left out for all. */
  threads?: number | null
  /** See `SessionOptions`; false suits many files, which are decoded in other threads. */
  spin?: boolean
}

export interface PredictFilesOptions {
  /** Samples that go through the network at once, default 16. */
  batchSize?: number
  /** Threads that decode; left out: none for up to 16 files, else one less than the machine has. */
  workers?: number
  /** Stop at the first file that cannot be read. */
  strict?: boolean
  onProgress?: (done: number, total: number) => void
}

/** What was found, and what could not be looked at. */
export interface FileFindings {
  info: ModelInfo
  labels: readonly string[]
  /** The samples that could be read, by their first file, in the order given. */
  images: readonly string[]
  /** Probabilities in [0, 1], row-major [images, labels]. */
  scores: Float64Array
  unreadable: { image: string; reason: string }[]
  warnings: { image: string; reason: string }[]
}

/** Predicts files with the preprocessing that the models were trained with. */
export class FilePredictor extends Predictor {
  /**
   * @param files a .onnx file of `plurad export`, or several for the mean of their probabilities
   * @throws DataError where one is missing, damaged or has no description
   */
  static async load(
    files: string | readonly string[],
    { threads = null, spin = true }: LoadOptions = {},
  ): Promise<FilePredictor> {
    const models: OnnxModel[] = []
    for (const file of typeof files === 'string' ? [files] : files) {
      const content = await readFile(file).catch((error: unknown) => {
        throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
      })
      models.push(await OnnxModel.open(content, file, openSession, { threads, spin }))
    }
    return new FilePredictor(models)
  }

  /**
   * @param sources image references; for models of several images a sample one each, '' for one that is missing
   */
  async predict(sources: readonly ImageSource[], options: PredictFilesOptions = {}): Promise<FileFindings> {
    const each: Readings[] = []
    for (const [i, model] of this.models.entries()) {
      each.push(
        await this.#read(model, sources, {
          ...options,
          onProgress: (done) =>
            options.onProgress?.(i * sources.length + done, this.models.length * sources.length),
        }),
      )
    }
    const { unreadable, warnings } = each[0]
    const readable = sources.flatMap((_, i) => (each.every(({ rows }) => rows.has(i)) ? [i] : []))
    const scores = new Float64Array(readable.length * this.labels.length)
    readable.forEach((index, row) => {
      const rows = each.map(({ rows: found }) => found.get(index) as Float64Array)
      scores.set(meanOf(rows), row * this.labels.length)
    })
    const images = readable.map((index) => nameOf(sources[index]))
    return { info: this.info, labels: this.labels, images, scores, unreadable, warnings }
  }

  async #read(
    model: OnnxModel,
    sources: readonly ImageSource[],
    { batchSize = 16, workers, strict = false, onProgress }: PredictFilesOptions,
  ): Promise<Readings> {
    const { info } = model
    assertImagesFit(
      sources.map((source) => ({ path: '', also: placesOf(source).slice(1) })),
      info.images,
      'this model knows no more, take one that was trained with data.images {}',
    )
    const loader = new ImageLoader({
      ...preprocessingOf(info),
      workers: workers ?? (sources.length <= 16 ? 0 : Math.min(8, Math.max(1, availableParallelism() - 1))),
      cacheBytes: 0,
      strict,
    })
    const rows = new Map<number, Float64Array>()
    const count = this.labels.length
    try {
      const order = sources.map((_, i) => i)
      for await (const { indices, pixels } of loader.batches(sources, order, batchSize, { reuse: true })) {
        if (indices.length === 0) continue
        const scores = this.inOrder(model, await model.probabilities(pixels, indices.length))
        indices.forEach((index, row) => rows.set(index, scores.subarray(row * count, (row + 1) * count)))
        onProgress?.(rows.size, sources.length)
      }
      return { rows, ...notesOf(sources, loader) }
    } finally {
      await loader.close()
    }
  }
}

interface Readings {
  /** Probabilities by the sample's position. */
  rows: Map<number, Float64Array>
  unreadable: FileFindings['unreadable']
  warnings: FileFindings['warnings']
}

function nameOf(source: ImageSource): string {
  return filesOf(source)[0] ?? ''
}

/** What the loader has to say of each sample's files. */
function notesOf(
  sources: readonly ImageSource[],
  { failures, warnings }: ImageLoader,
): Pick<Readings, 'unreadable' | 'warnings'> {
  const unreadable: FileFindings['unreadable'] = []
  const told: FileFindings['warnings'] = []
  for (const source of sources) {
    const files = filesOf(source)
    const damaged = files.find((file) => failures.has(file))
    if (damaged !== undefined)
      unreadable.push({ image: nameOf(source), reason: failures.get(damaged) as string })
    const texts = files.flatMap((file) => warnings.get(file) ?? [])
    if (texts.length > 0) told.push({ image: nameOf(source), reason: texts.join('; ') })
  }
  return { unreadable, warnings: told }
}
