/** Prediction from files, in Node: with threads/ all here that touches the file system, threads and the native runtime. */
import { availableParallelism } from 'node:os'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type * as OnnxRuntime from 'onnxruntime-node'
import { decodeImage as decodeFile, decodeImageBytes } from '../data/formats/decode.js'
import type { DecodedImage } from '../data/image.js'
import { ImageLoader } from '../data/loader.js'
import { preprocessingOf, type WindowChoice } from '../data/preprocessing.js'
import { filesOf, type ImageSource } from '../data/source.js'
import { DataError, PluradError } from '../errors.js'
import type { ModelInfo } from '../models/model-info.js'
import type { Judged } from './findings.js'
import { contentOf, inputName, type FileInput, type SampleInput } from './inputs.js'
import { OnnxModel } from './onnx-model.js'
import { Predictor, type LoadOptions, type PredictOptions } from './predictor.js'
import { judgeTimed } from './threads/judge-timed.js'
import { PredictionPool, threadsFor } from './threads/pool.js'
import { DecodingReader, type ReaderSettings, type SampleBatch, type SampleReader } from './reader.js'
import { declaredShapes, type NamedTensor, type Session, type SessionOptions } from './runtime.js'

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
    shapes: declaredShapes(...session.inputMetadata, ...session.outputMetadata),
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

/** Files a thread from which on its start is soon made up for, whatever they are. */
const MANY = 8

/** Predicts files and content with the preprocessing that the models were trained with. */
export class FilePredictor extends Predictor {
  readonly #threads: number
  /** The models' content, for threads that may start; null where none can. */
  readonly #content: readonly Uint8Array[] | null
  /** Whether no network has been loaded in this thread, since many files were announced. */
  readonly #startsThreads: boolean
  #pool: PredictionPool | null = null
  #isClosed = false

  private constructor(
    models: readonly OnnxModel[],
    threads: number,
    content: readonly Uint8Array[] | null,
    startsThreads: boolean,
  ) {
    super(models)
    this.#threads = threads
    this.#content = content
    this.#startsThreads = startsThreads
  }

  /**
   * @param models a .onnx file of `plurad export` (text is a path), or several for the mean of their probabilities
   * @throws DataError where one is missing, damaged or has no description
   */
  static async load(
    models: FileInput | readonly FileInput[],
    { threads = null, expecting = 0 }: LoadOptions = {},
  ): Promise<FilePredictor> {
    const inputs = Array.isArray(models) ? (models as FileInput[]) : [models as FileInput]
    const files: { name: string; content: Uint8Array }[] = []
    for (const [i, model] of inputs.entries()) {
      const name = inputName(model, i, 'model')
      files.push({ name, content: await readModel(model, name) })
    }
    const bytes = files.reduce((sum, { content }) => sum + content.length, 0)
    const most = threadsFor(bytes, threads ?? availableParallelism())
    // What was read, whatever lies there when threads start.
    const content =
      most === 0 ? null : files.map((file, i) => (isCallers(inputs[i]) ? file.content.slice() : file.content))
    const later = most > 0 && expecting >= MANY * most
    const loaded: OnnxModel[] = []
    for (const file of files)
      loaded.push(await OnnxModel.open(file.content, file.name, openSession, { threads }, { later }))
    return new FilePredictor(loaded, most, content, later)
  }

  override async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool?.end()
    await super.close()
  }

  protected override async judge(samples: readonly SampleInput[], options: PredictOptions): Promise<Judged> {
    if (this.#isClosed) throw new PluradError('The predictor was closed.')
    const { workers } = options
    if (workers !== undefined && !(Number.isInteger(workers) && workers >= 0))
      throw new RangeError(`workers ${workers}: expected a whole number of threads, 0 for none`)
    const threads = Math.min(workers ?? this.#threads, samples.length)
    if (threads === 0 || !samples.every(isReference)) return super.judge(samples, options)
    if (workers !== undefined) return this.#poolOf(threads).judge(samples, options)
    if (threads < 2) return super.judge(samples, options)
    const pool = this.#pool
    if (pool?.isWhole === true && samples.length >= pool.size) return pool.judge(samples, options)
    if (this.#startsThreads && samples.length >= MANY * threads) return this.#judgeAtOnce(samples, options)
    return judgeTimed(
      samples,
      { ...options, models: this.models.length },
      (some, settings) => super.judge(some, settings),
      (some, settings) => this.#poolOf(Math.min(threads, some.length)).judge(some, settings),
    )
  }

  /** In threads that start now; what keeps them from their models is said by the name that the model was given. */
  async #judgeAtOnce(samples: readonly ImageSource[], options: PredictOptions): Promise<Judged> {
    try {
      return await this.#poolOf(this.#threads).judge(samples, options)
    } catch (error) {
      for (const model of this.models) await model.load()
      throw error
    }
  }

  #poolOf(threads: number): PredictionPool {
    if (this.#isClosed) throw new PluradError('The predictor was closed.')
    if (this.#content === null)
      throw new PluradError(
        `workers ${threads}: the predictor was loaded for one thread, or the models are too large for copies of them.`,
      )
    const pool = this.#pool
    if (pool?.isWhole === true && pool.size === threads) return pool
    // Once the calls that use it have returned.
    pool?.retire()
    this.#pool = new PredictionPool(threads, this.#content)
    return this.#pool
  }

  protected override reader(
    samples: readonly SampleInput[],
    info: ModelInfo,
    { batchSize = 4, strict = false }: PredictOptions,
  ): SampleReader {
    const settings: ReaderSettings = { batchSize, strict }
    const preprocessing = preprocessingOf(info)
    if (!samples.every(isReference)) return new DecodingReader(samples, preprocessing, settings, decode)
    const loader = new ImageLoader({ ...preprocessing, workers: 0, cacheBytes: 0, strict, expecting: true })
    return new LoaderReader(samples, loader, batchSize)
  }
}

/** Whether all of it are files that other threads can open. */
function isReference(sample: SampleInput): sample is ImageSource {
  return (
    typeof sample === 'string' ||
    (Array.isArray(sample) && sample.every((place) => typeof place === 'string'))
  )
}

/** Reads files, in this thread. */
class LoaderReader implements SampleReader {
  readonly #samples: readonly ImageSource[]
  readonly #loader: ImageLoader
  readonly #batchSize: number

  constructor(samples: readonly ImageSource[], loader: ImageLoader, batchSize: number) {
    this.#samples = samples
    this.#loader = loader
    this.#batchSize = batchSize
  }

  batches(): AsyncIterable<SampleBatch> {
    const order = this.#samples.map((_, i) => i)
    return this.#loader.batches(this.#samples, order, this.#batchSize, { reuse: true })
  }

  warningOf(index: number): string | null {
    const { warnings } = this.#loader
    const texts = filesOf(this.#samples[index]).flatMap((file) => warnings.get(file) ?? [])
    return texts.length === 0 ? null : texts.join('; ')
  }

  close(): Promise<void> {
    return this.#loader.close()
  }
}

/**
 * Decodes one image.
 *
 * @param input text is a path, of a part of a file `path#part`
 * @throws DataError naming the image, where it is missing, damaged or of no known format
 */
export async function decodeImage(input: FileInput, window: WindowChoice = 'file'): Promise<DecodedImage> {
  return decode(input, inputName(input, 0), window)
}

async function decode(input: FileInput, name: string, window: WindowChoice): Promise<DecodedImage> {
  if (typeof input === 'string') return decodeFile(input, window)
  if (isFileUrl(input)) return decodeFile(fileURLToPath(input), window)
  return decodeImageBytes(await contentOf(input, name), name, { window, part: null })
}

async function readModel(input: FileInput, name: string): Promise<Uint8Array> {
  if (typeof input !== 'string' && !isFileUrl(input)) return contentOf(input, name)
  return readFile(input).catch((error: unknown) => {
    throw new DataError(`${name} cannot be read: ${(error as Error).message}`, { cause: error })
  })
}

/** Whether its content is memory that the caller may change. */
function isCallers(input: FileInput): boolean {
  return input instanceof Uint8Array || input instanceof ArrayBuffer
}

function isFileUrl(input: FileInput): input is URL {
  return input instanceof URL && input.protocol === 'file:'
}
