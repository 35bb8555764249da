/** A network with smaller numbers, and what that costs: measured on images that it was not made from. */
import type { ImageSource } from '../../data/source.js'
import type { LabelValue } from '../../data/dataset.js'
import { ExportError } from '../../errors.js'
import type { ModelInfo } from '../../models/model-info.js'
import { openSession } from '../../predict/node.js'
import type { Session } from '../../predict/runtime.js'
import { encodeModel, type OnnxModel } from '../onnx/model.js'
import { Comparison, type Judged, type Timed } from './comparison.js'
import { refuseLoss } from './bound.js'
import { withHalfWeights } from './float16.js'
import { Graph } from './graph.js'
import { batchesOf, chosen, type Feeds } from './images.js'
import { quantise } from './int8.js'
import { lastWeightsOf, planOf } from './plan.js'
import { observe, RANGE_METHODS, rangesOf, type RangeMethod } from './ranges.js'

/** What the weights of an exported model are kept in. */
export type Precision = 'float32' | 'float16' | 'int8'

/** The metadata key under which a file says what its precision cost. */
export const PRECISION_KEY = 'plurad.precision'

/** Images that a model was made from, and the truth of those that it is judged on. */
export interface JudgedImages {
  training: readonly ImageSource[]
  validation: readonly ImageSource[]
  /** Of each validation image, in the order of the model's labels. */
  validationLabels: readonly (readonly LabelValue[])[]
}

export interface ReduceOptions {
  precision: Exclude<Precision, 'float32'>
  images: JudgedImages
  /** Most that the macro AUC may fall. */
  maxAucLoss: number
  threads: number | null
  onProgress?: ((done: number, total: number) => void) | undefined
}

/** What the model file says of its precision. */
export interface PrecisionReport extends Judged, Timed {
  precision: Precision
  bytes_float32: number
  bytes: number
  /** How the ranges of activations were taken, and from how many training images; with int8 alone. */
  ranges?: RangeMethod
  calibration_images?: number
}

const MOST_CALIBRATION = 256
const MOST_VALIDATION = 1000

/** Fewer do not show what values occur. */
const LEAST_CALIBRATION = 16

/** Images on which the methods of ranges are compared. */
const COMPARED = 64

const BATCH = 16

/**
 * @throws ExportError where there are too few images to measure, or where the macro AUC falls by more than is allowed
 */
export async function reduce(
  model: OnnxModel,
  info: ModelInfo,
  options: ReduceOptions,
): Promise<{ model: OnnxModel; report: PrecisionReport }> {
  const { precision, images, maxAucLoss, threads, onProgress } = options
  const validation = chosen(images.validation, MOST_VALIDATION)
  const calibration = precision === 'int8' ? chosen(images.training, MOST_CALIBRATION) : []
  const total = calibration.length + validation.length
  const withMetadata = model.inputs.some(({ name }) => name === 'metadata')
  const content = encodeModel(model)
  const full = await openSession(content, { threads, spin: false })
  try {
    const read = (sources: readonly ImageSource[], order: readonly number[], batch: number) =>
      batchesOf(sources, order, info, batch, withMetadata)
    const made =
      precision === 'float16'
        ? { model: withHalfWeights(model, lastWeightsOf(new Graph(model))), found: {} }
        : await quantised(model, full, read(images.training, calibration, 1), threads, (done) =>
            onProgress?.(done, total),
          )
    const smaller = encodeModel(made.model)
    const reduced = await openSession(smaller, { threads, spin: false })
    try {
      const both = new Comparison(full, reduced)
      for await (const { feeds, indices } of read(images.validation, validation, BATCH)) {
        await both.add(
          feeds,
          indices.map((index) => images.validationLabels[index]),
        )
        onProgress?.(calibration.length + both.count, total)
      }
      const report: PrecisionReport = {
        precision,
        ...both.judge(info.labels),
        bytes_float32: content.length,
        bytes: smaller.length,
        ...(await both.time()),
        ...made.found,
      }
      refuseLoss(report, maxAucLoss)
      return { model: made.model, report }
    } finally {
      await reduced.close()
    }
  } finally {
    await full.close()
  }
}

/** Tries each way to choose ranges and takes the one whose probabilities are nearest on training images. */
async function quantised(
  model: OnnxModel,
  full: Session,
  images: AsyncIterable<{ feeds: Feeds }>,
  threads: number | null,
  onProgress: (done: number) => void,
): Promise<{ model: OnnxModel; found: Pick<PrecisionReport, 'ranges' | 'calibration_images'> }> {
  const plan = planOf(new Graph(model))
  if (plan.weighted.size === 0)
    throw new ExportError('Nothing in this network can compute in 8 bits: take --precision float16.')
  const kept: Feeds[] = []
  const single = async function* (): AsyncGenerator<Feeds> {
    let done = 0
    for await (const { feeds } of images) {
      if (kept.length < COMPARED) kept.push(feeds)
      onProgress(++done)
      yield feeds
    }
  }
  const observation = await observe(model, [...new Set(plan.values.values())], single(), threads)
  const seen = observation.lows.length
  if (seen < LEAST_CALIBRATION) {
    throw new ExportError(
      `8 bits need at least ${LEAST_CALIBRATION} training images to choose ranges by: ${seen} could be read.`,
    )
  }
  const made: { model: OnnxModel; method: RangeMethod; difference: number }[] = []
  for (const method of RANGE_METHODS) {
    const candidate = quantise(model, plan, rangesOf(observation, method))
    const session = await openSession(encodeModel(candidate), { threads, spin: false })
    try {
      const both = new Comparison(full, session)
      for (const feeds of kept) await both.add(feeds, [])
      made.push({ model: candidate, method, difference: both.meanDifference })
    } finally {
      await session.close()
    }
  }
  const [best] = made.sort((a, b) => a.difference - b.difference)
  return { model: best.model, found: { ranges: best.method, calibration_images: seen } }
}
