/** Writes a trained model for use elsewhere, after holding it against the network it was made from. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { manualSeed, scope, setNumThreads } from '@plurad/torch'
import type { ImageSource } from '../data/source.js'
import { writeFileAtomic } from '../files.js'
import type { ModelInfo } from '../models/model-info.js'
import { findModelFile, loadModel } from '../models/model-file.js'
import { openSession } from '../predict/node.js'
import { OnnxModel } from '../predict/onnx-model.js'
import { KNOWN_KIND_KEY, type KnownKindFile } from '../predict/out-of-distribution.js'
import { fitKnownKind, type RunImages } from './known-kind.js'
import { convertClassifier } from './onnx/classifier.js'
import { withMetadata } from './onnx/metadata.js'
import { encodeModel, type OnnxModel as OnnxGraph } from './onnx/model.js'
import {
  PRECISION_KEY,
  reduce,
  type JudgedImages,
  type Precision,
  type PrecisionReport,
} from './quantise/reduce.js'
import { batchesOf } from './quantise/images.js'
import { CHECKED_IMAGES, verifySession } from './verify.js'

/** What a trained model can be written in. */
export type ExportFormat = 'onnx' | 'safetensors'

export interface ExportOptions {
  /** A run folder or a model.safetensors. */
  model: string
  out: string
  format: ExportFormat
  threads?: number | null
  /** Images that it was made from, for what the file says of the kind that it knows; null for nothing. */
  images?: RunImages | null
  /** What the weights are kept in; left out: single precision, as they are. */
  precision?: SmallerPrecision | null
  /** Images of the run on which the graph is held against libtorch; too few of them or null: random pixels. */
  checkedOn?: readonly ImageSource[] | null
  onProgress?: (done: number, total: number) => void
}

export interface SmallerPrecision {
  name: Exclude<Precision, 'float32'>
  /** On which is measured what it costs. */
  images: JudgedImages
  /** Most that the macro AUC may fall. */
  maxAucLoss: number
}

export interface Exported {
  file: string
  bytes: number
  info: ModelInfo
  /** Names of the graph's outputs; none for safetensors. */
  outputs: readonly string[]
  /** Largest difference in probability from libtorch's; null where the weights are the same bytes. */
  difference: number | null
  /** Whether that was seen on images of the run or on random pixels. */
  checkedOn: 'images' | 'random' | null
  /** How many images the file's description of the kind that it knows was made from; null where it has none. */
  knownKind: Pick<KnownKindFile, 'training' | 'validation'> | null
  /** What a smaller precision costs and brings; null for single precision. */
  precision: PrecisionReport | null
}

/**
 * @throws ExportError where the model cannot be written, or where what was written gives other numbers: no file is left
 */
export async function exportModel({
  model: location,
  out,
  format,
  threads = null,
  images = null,
  precision = null,
  checkedOn = null,
  onProgress,
}: ExportOptions): Promise<Exported> {
  setNumThreads(threads ?? availableParallelism())
  const source = findModelFile(location)
  const { model, info } = loadModel(source)
  if (format === 'safetensors') {
    const content = readFileSync(source)
    await writeFileAtomic(out, content)
    return {
      ...{ file: out, bytes: content.length, info, outputs: [] },
      ...{ difference: null, checkedOn: null, knownKind: null, precision: null },
    }
  }
  manualSeed(0)
  const graph = scope(() => convertClassifier(model, info))
  const full = encodeModel(graph)
  const session = await openSession(full, { threads })
  const { outputs } = session
  const real = checkedOn === null ? null : await pixelsOf(checkedOn, info)
  const difference = await verifySession(model, session, real).finally(() => session.close())
  const reduced =
    precision === null
      ? null
      : await reduce(graph, info, { precision: precision.name, ...precision, threads, onProgress })
  const content = reduced === null ? full : encodeModel(withReport(reduced))
  const kind = images === null ? null : await knownKindOf(content, out, images, threads, onProgress)
  const whole = kind === null ? content : withMetadata(content, KNOWN_KIND_KEY, JSON.stringify(kind))
  await writeFileAtomic(out, whole)
  return {
    ...{ file: out, bytes: whole.length, info, outputs, difference },
    checkedOn: real === null ? 'random' : 'images',
    ...{ knownKind: kind, precision: reduced?.report ?? null },
  }
}

/** The first images that can be read; null where there are too few. */
async function pixelsOf(sources: readonly ImageSource[], info: ModelInfo): Promise<Float32Array | null> {
  const order = sources.slice(0, 4 * CHECKED_IMAGES).map((_, i) => i)
  const found: Float32Array[] = []
  for await (const { feeds } of batchesOf(sources, order, info, 1, false)) {
    found.push(feeds['pixels'].data)
    if (found.length === CHECKED_IMAGES) break
  }
  if (found.length < CHECKED_IMAGES) return null
  const all = new Float32Array(CHECKED_IMAGES * found[0].length)
  found.forEach((pixels, i) => {
    all.set(pixels, i * pixels.length)
  })
  return all
}

function withReport({ model, report }: Awaited<ReturnType<typeof reduce>>): OnnxGraph {
  return { ...model, metadata: { ...model.metadata, [PRECISION_KEY]: JSON.stringify(report) } }
}

async function knownKindOf(
  content: Uint8Array,
  file: string,
  images: RunImages,
  threads: number | null,
  onProgress: ExportOptions['onProgress'],
): Promise<KnownKindFile | null> {
  const model = await OnnxModel.open(content, file, openSession, { threads, spin: false })
  try {
    return await fitKnownKind(model, images, { onProgress })
  } finally {
    await model.close()
  }
}
