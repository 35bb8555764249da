/** Explanations of a finished model, on the engine's thread: one image after the other. */
import { noGrad, scope, type OffThreadContext } from '@plurad/torch'
import { decodeImageBlocking } from '../data/formats/decode.js'
import { preprocess } from '../data/preprocess.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { applyRange } from '../data/value-range.js'
import { DataError } from '../errors.js'
import { explain, methodNamed, type Asked } from '../explain/explain.js'
import type { Explained, Unexplained } from '../explain/explained.js'
import { chooseLabels, type LabelChoice } from '../explain/labels.js'
import type { Classifier } from '../models/classifier.js'
import { findModelFile, loadModel, type ModelInfo } from '../models/model-file.js'
import { metadataInput } from './side-input.js'
import { pixelsToTensor } from './batches.js'
import { chooseDevice, useThreads } from './resources.js'

export interface ExplanationJob {
  /** Model file or run folder. */
  model: string
  asked: Asked
  items: readonly { image: string; path: string; labels: LabelChoice }[]
  threads: number | null
  device: string
}

/** First the model, then every image of the job in its order. */
export type ExplanationMessage =
  | { kind: 'model'; info: ModelInfo; title: string; unit: string }
  | { kind: 'explained'; explained: Explained }
  | { kind: 'unexplained'; unexplained: Unexplained }

export default async function explainOnEngine(
  { model: location, asked, items, threads, device: wanted }: ExplanationJob,
  context: OffThreadContext<ExplanationMessage>,
): Promise<null> {
  const { title, unit } = methodNamed(asked)
  useThreads(threads)
  const device = chooseDevice(wanted)
  const { model, info } = loadModel(findModelFile(location))
  model.to({ device })
  if (info.images > 1) {
    throw new DataError(`The model takes ${info.images} images a sample; explanations are for models of one.`)
  }
  context.post({ kind: 'model', info, title, unit })
  for (const { image, path, labels } of items) {
    if (context.stopped) break
    const found = await read(path, info).catch((error: unknown) => ({
      reason: error instanceof Error ? error.message : String(error),
    }))
    if ('reason' in found) {
      context.post({ kind: 'unexplained', unexplained: { image, reason: found.reason } })
      continue
    }
    const { values, width, height } = found
    const answered = answer(model, info, values, { asked, labels, device })
    context.post({ kind: 'explained', explained: { image, width, height, ...answered } })
  }
  return null
}

async function read(
  path: string,
  info: ModelInfo,
): Promise<{ values: Float32Array; width: number; height: number }> {
  const preprocessing = preprocessingOf(info)
  const image = await decodeImageBlocking(path, preprocessing.window)
  const { width, height } = image
  return { values: preprocess(applyRange(image, preprocessing), preprocessing), width, height }
}

function answer(
  model: Classifier,
  info: ModelInfo,
  values: Float32Array,
  { asked, labels: choice, device }: { asked: Asked; labels: LabelChoice; device: string },
): Omit<Explained, 'image' | 'width' | 'height'> {
  return scope(() => {
    const indices = Int32Array.of(0)
    const batch = { pixels: values as Float32Array<ArrayBuffer>, indices }
    const pixels = pixelsToTensor(batch, info.size, model.settings, { device, channelsLast: false })
    const unknown = { metadata: { age: null, sex: null, view: null } }
    const side = { metadata: metadataInput(model.head, [unknown], indices, device) }
    const logits = noGrad(() => model.forward(pixels, side).double().sigmoid())
    const probabilities = logits.toTypedArray() as Float64Array
    const labels = chooseLabels(choice, info, probabilities)
    const { heatmaps, stage, completeness } = explain(model, pixels, labels, asked, side)
    return { probabilities, labels, heatmaps, resolution: methodNamed(asked).resolution, stage, completeness }
  })
}
