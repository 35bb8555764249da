/** Prediction from files, in Node: the only module here that touches the file system, threads and the native runtime. */
import { availableParallelism } from 'node:os'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type * as OnnxRuntime from 'onnxruntime-node'
import { decodeImage as decodeFile, decodeImageBytes } from '../data/formats/decode.js'
import type { DecodedImage } from '../data/image.js'
import { ImageLoader } from '../data/loader.js'
import { preprocessingOf, type WindowChoice } from '../data/preprocessing.js'
import { filesOf, type ImageSource } from '../data/source.js'
import { DataError } from '../errors.js'
import type { ModelInfo } from '../models/model-info.js'
import type { Judged } from './findings.js'
import { contentOf, inputName, type FileInput, type SampleInput } from './inputs.js'
import { OnnxModel } from './onnx-model.js'
import { Predictor, type LoadOptions, type PredictOptions } from './predictor.js'
import {
  joined,
  PredictionPool,
  sourceOf,
  threadsFor,
  type JudgedPart,
  type ModelSource,
} from './prediction-pool.js'
import { DecodingReader, type ReaderSettings, type SampleBatch, type SampleReader } from './reader.js'
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

/** Threads take half a second to start, and a third off what comes after: they start where more is left than so many seconds. */
const LONG = 2.5

/** Files that are predicted in this thread before, and those that show how long the others will take. */
const [FIRST, TIMED] = [1, 1]

/** Predicts files and content with the preprocessing that the models were trained with. */
export class FilePredictor extends Predictor {
  readonly #sources: readonly ModelSource[]
  readonly #threads: number
  #pool: PredictionPool | null = null

  private constructor(models: readonly OnnxModel[], sources: readonly ModelSource[], threads: number) {
    super(models)
    this.#sources = sources
    this.#threads = threads
  }

  /**
   * @param models a .onnx file of `plurad export` (text is a path), or several for the mean of their probabilities
   * @throws DataError where one is missing, damaged or has no description
   */
  static async load(
    models: FileInput | readonly FileInput[],
    { threads = null }: LoadOptions = {},
  ): Promise<FilePredictor> {
    const loaded: OnnxModel[] = []
    const sources: ModelSource[] = []
    for (const [i, model] of (Array.isArray(models)
      ? (models as FileInput[])
      : [models as FileInput]
    ).entries()) {
      const name = inputName(model, i, 'model')
      const content = await readModel(model, name)
      loaded.push(await OnnxModel.open(content, name, openSession, { threads }))
      sources.push(sourceOf(model, content))
    }
    return new FilePredictor(loaded, sources, threads ?? availableParallelism())
  }

  override async close(): Promise<void> {
    await this.#endThreads()
    await super.close()
  }

  protected override async judge(samples: readonly SampleInput[], options: PredictOptions): Promise<Judged> {
    const threads = options.workers ?? threadsFor(this.#sources, this.#threads)
    if (threads === 0 || !samples.every(isReference)) return super.judge(samples, options)
    const here: Judge = (some, settings) => super.judge(some, settings)
    const inThreads: Judge = (some, settings) => this.#judgeInThreads(some, threads, settings)
    if (options.workers !== undefined || this.#pool !== null) return inThreads(samples, options)
    return judgeTimed(samples, { ...options, models: this.models.length }, here, inThreads)
  }

  async #judgeInThreads(
    samples: readonly ImageSource[],
    threads: number,
    options: PredictOptions,
  ): Promise<Judged> {
    if (this.#pool !== null && this.#pool.size !== threads) await this.#endThreads()
    this.#pool ??= new PredictionPool(threads, this.#sources)
    try {
      return await this.#pool.judge(samples, options)
    } catch (error) {
      // A thread has died: the next prediction begins with new ones.
      if (!(error instanceof DataError)) await this.#endThreads()
      throw error
    }
  }

  async #endThreads(): Promise<void> {
    const pool = this.#pool
    this.#pool = null
    await pool?.close()
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

type Judge = (samples: readonly ImageSource[], options: PredictOptions) => Promise<Judged>

/** Begins here, and goes on in threads where that would take long. */
async function judgeTimed(
  samples: readonly ImageSource[],
  { models, ...options }: PredictOptions & { models: number },
  here: Judge,
  inThreads: Judge,
): Promise<Judged> {
  const parts: JudgedPart[] = []
  const total = samples.length * models
  let start = 0
  const go = async (judge: Judge, end: number): Promise<number> => {
    const began = performance.now()
    const before = start * models
    const onProgress = (done: number): void => options.onProgress?.(before + done, total)
    parts.push({ start, judged: await judge(samples.slice(start, end), { ...options, onProgress }) })
    start = Math.min(end, samples.length)
    return (performance.now() - began) / 1000
  }
  await go(here, FIRST)
  const left = ((await go(here, FIRST + TIMED)) / TIMED) * (samples.length - start)
  if (start < samples.length) await go(left > LONG ? inThreads : here, samples.length)
  return joined(parts)
}

/** Whether all of it are files that other threads can open. */
function isReference(sample: SampleInput): sample is ImageSource {
  return (
    typeof sample === 'string' ||
    (Array.isArray(sample) && sample.every((place) => typeof place === 'string'))
  )
}

/** Reads files in threads of their own. */
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

function isFileUrl(input: FileInput): input is URL {
  return input instanceof URL && input.protocol === 'file:'
}
