/** Prediction from files, in Node: the only module here that touches the file system, threads and the native runtime. */
import { availableParallelism } from 'node:os'
import { closeSync, openSync, readSync } from 'node:fs'
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
import { contentOf, inputName, type FileInput, type SampleInput } from './inputs.js'
import { OnnxModel } from './onnx-model.js'
import { Predictor, type LoadOptions, type PredictOptions } from './predictor.js'
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

/** Predicts files and content with the preprocessing that the models were trained with. */
export class FilePredictor extends Predictor {
  /**
   * @param models a .onnx file of `plurad export` (text is a path), or several for the mean of their probabilities
   * @throws DataError where one is missing, damaged or has no description
   */
  static async load(
    models: FileInput | readonly FileInput[],
    { threads = null, spin = true }: LoadOptions = {},
  ): Promise<FilePredictor> {
    const loaded: OnnxModel[] = []
    for (const [i, model] of (Array.isArray(models)
      ? (models as FileInput[])
      : [models as FileInput]
    ).entries()) {
      const name = inputName(model, i, 'model')
      loaded.push(await OnnxModel.open(await readModel(model, name), name, openSession, { threads, spin }))
    }
    return new FilePredictor(loaded)
  }

  protected override reader(
    samples: readonly SampleInput[],
    info: ModelInfo,
    { batchSize = 4, workers, strict = false }: PredictOptions,
  ): SampleReader {
    const settings: ReaderSettings = { batchSize, strict }
    const preprocessing = preprocessingOf(info)
    if (!samples.every(isReference)) return new DecodingReader(samples, preprocessing, settings, decode)
    const loader = new ImageLoader({
      ...preprocessing,
      workers: workers ?? decodingThreads(samples),
      cacheBytes: 0,
      strict,
      expecting: true,
    })
    return new LoaderReader(samples, loader, batchSize)
  }
}

/**
 * None for few files, nor on two cores: the network keeps both busy, and images decoded between its batches cost it less
 * than a thread that takes one of its cores away. Where decoding takes longer than the network, every core decodes.
 */
function decodingThreads(samples: readonly ImageSource[]): number {
  const cores = availableParallelism()
  if (samples.length <= 16) return 0
  if (cores > 2) return Math.min(8, cores - 1)
  const some = samples.slice(0, 8).flatMap(filesOf)
  return some.some(isSlowToDecode) ? cores : 0
}

/** Whether it is DICOM in JPEG-LS or JPEG 2000, by the transfer syntax in its first bytes. */
function isSlowToDecode(file: string): boolean {
  const head = Buffer.alloc(1024)
  try {
    const descriptor = openSync(file, 'r')
    try {
      readSync(descriptor, head)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    // What is wrong with the file is said when it is decoded.
    return false
  }
  return /1\.2\.840\.10008\.1\.2\.4\.(8[01]|9[01]|20[123])(?![0-9.])/.test(head.toString('latin1'))
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
