/** One exported model: what it says of itself, and its numbers for pixels. Runs in Node and in the browser. */
import { DataError } from '../errors.js'
import { METADATA_FEATURES } from '../models/metadata.js'
import { MODEL_INFO_KEY, parseModelInfo, type ModelInfo } from '../models/model-info.js'
import { readLinearClassifier, type LinearClassifier } from './onnx-classifier.js'
import { readOnnxMetadata } from './onnx-metadata.js'
import { KNOWN_KIND_KEY, KnownKind, poolFeatures, type OutOfDistribution } from './out-of-distribution.js'
import type { NamedTensor, OpenSession, Session, SessionOptions } from './runtime.js'

/** Age, sex and view as `metadataFeatures` gives them, for the input that some heads have. */
const METADATA_INPUT = 'metadata'

/** What explains a prediction, where the model has it. */
export type Explanation = 'features' | 'attention' | 'class_features'

export class OnnxModel {
  readonly info: ModelInfo
  /** The head's linear layer, from which class activation maps are made; null where there is none. */
  readonly classifier: LinearClassifier | null
  /** What it says of the images that it was made from; null where it was exported without them. */
  readonly knownKind: KnownKind | null
  readonly #file: string
  readonly #load: () => Promise<Session>
  #session: Session | null = null
  #loading: Promise<Session> | null = null

  private constructor(
    info: ModelInfo,
    classifier: LinearClassifier | null,
    knownKind: KnownKind | null,
    file: string,
    load: () => Promise<Session>,
  ) {
    this.info = info
    this.classifier = classifier
    this.knownKind = knownKind
    this.#file = file
    this.#load = load
  }

  /**
   * @param content of a .onnx file
   * @param file its name, for messages
   * @param later load the graph when it is first run: until then nothing is known of `explanations`
   * @throws DataError where it is no ONNX model, damaged or without the description that gives its output a meaning
   */
  static async open(
    content: Uint8Array,
    file: string,
    openSession: OpenSession,
    options: SessionOptions,
    { later = false } = {},
  ): Promise<OnnxModel> {
    const metadata = metadataOf(content, file)
    const info = parseModelInfo(metadata.get(MODEL_INFO_KEY), file)
    const knownKind = KnownKind.parse(metadata.get(KNOWN_KIND_KEY), file)
    const classifier = readLinearClassifier(content, info.labels.length)
    const load = (): Promise<Session> => loadSession(content, file, info, openSession, options)
    const model = new OnnxModel(info, classifier, knownKind, file, load)
    if (!later) await model.load()
    return model
  }

  /**
   * Loads the graph, where that has not been done.
   *
   * @throws DataError where it is damaged or does not fit its description
   */
  async load(): Promise<void> {
    await this.#loaded()
  }

  /** Planes of one sample's pixels. */
  get planes(): number {
    return this.info.channels * this.info.images
  }

  /** What explains its predictions. */
  get explanations(): Explanation[] {
    const all: Explanation[] = ['features', 'attention', 'class_features']
    return all.filter((name) => this.#session?.outputs.includes(name))
  }

  /**
   * Probabilities [count, labels] in double precision: the sigmoid of single-precision logits.
   *
   * @param pixels [count, channels * images, size, size] in [0, 1], as preprocessing gives them
   */
  async probabilities(pixels: Float32Array, count: number): Promise<Float64Array> {
    const { logits } = await this.run(pixels, count)
    return Float64Array.from(logits.data, sigmoid)
  }

  /** The same, and how far each sample is from what the model knows: null where it cannot say. */
  async judge(
    pixels: Float32Array,
    count: number,
  ): Promise<{ probabilities: Float64Array; outOfDistribution: OutOfDistribution[] | null }> {
    const kind = this.knownKind
    if (kind === null)
      return { probabilities: await this.probabilities(pixels, count), outOfDistribution: null }
    const { logits, features } = await this.run(pixels, count, ['features'])
    const pooled = poolFeatures(features.data, count, kind.features)
    return {
      probabilities: Float64Array.from(logits.data, sigmoid),
      outOfDistribution: Array.from({ length: count }, (_, row) =>
        kind.judge(kind.distance(pooled.subarray(row * kind.features, (row + 1) * kind.features))),
      ),
    }
  }

  /** `logits`, and of `explanations` what is asked for. */
  async run(
    pixels: Float32Array,
    count: number,
    explanations: readonly Explanation[] = [],
  ): Promise<Record<string, NamedTensor>> {
    const session = this.#session ?? (await this.#loaded())
    const { size, labels } = this.info
    const inputs: Record<string, NamedTensor> = {
      pixels: { data: pixels, dims: [count, this.planes, size, size] },
    }
    // All unknown: what the head sees where an image comes without a record.
    if (session.inputs.includes(METADATA_INPUT))
      inputs[METADATA_INPUT] = {
        data: new Float32Array(count * METADATA_FEATURES),
        dims: [count, METADATA_FEATURES],
      }
    const outputs = await session.run(inputs, ['logits', ...explanations])
    if (outputs['logits'].data.length !== count * labels.length) {
      throw new DataError(
        `${this.#file}: ${outputs['logits'].data.length} logits for ${count} samples of ${labels.length} labels`,
      )
    }
    return outputs
  }

  async close(): Promise<void> {
    await this.#session?.close()
  }

  async #loaded(): Promise<Session> {
    this.#loading ??= this.#load()
    this.#session = await this.#loading
    return this.#session
  }
}

async function loadSession(
  content: Uint8Array,
  file: string,
  info: ModelInfo,
  openSession: OpenSession,
  options: SessionOptions,
): Promise<Session> {
  const session = await openSession(content, options).catch((error: unknown) => {
    throw new DataError(`${file} cannot be loaded: ${(error as Error).message}`, { cause: error })
  })
  const lacking = ['pixels', 'logits'].filter(
    (name) => ![...session.inputs, ...session.outputs].includes(name),
  )
  if (lacking.length > 0) {
    await session.close()
    throw new DataError(`${file} has no ${lacking.join(' and no ')}. Use a model that plurad export wrote.`)
  }
  const unlike = mismatch(session, info)
  if (unlike !== null) {
    await session.close()
    throw new DataError(
      `${file}: its description does not fit its network: ${unlike}. Export the model again.`,
    )
  }
  return session
}

/** Where the graph declares other shapes than the description says; null where all fits. */
function mismatch({ shapes }: Session, { size, channels, images, labels }: ModelInfo): string | null {
  const [pixels, logits] = [shapes.get('pixels'), shapes.get('logits')]
  const differs = (declared: number | string, wanted: number): boolean =>
    typeof declared === 'number' && declared !== wanted
  const planes = channels * images
  if (pixels?.slice(1).some((side, i) => differs(side, i === 0 ? planes : size)) === true)
    return `it says ${planes} planes of ${size} pixels a side, the network takes [${pixels.join(', ')}]`
  if (logits?.slice(1).some((count) => differs(count, labels.length)) === true)
    return `it says ${labels.length} labels, the network gives [${logits.join(', ')}]`
  return null
}

function metadataOf(content: Uint8Array, file: string): Map<string, string> {
  try {
    return readOnnxMetadata(content)
  } catch (error) {
    throw new DataError(`${file} cannot be read: ${(error as Error).message}. Export the model again.`, {
      cause: error,
    })
  }
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}
