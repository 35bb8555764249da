/** Prediction and evaluation of a finished model, on the engine's thread. */
import type { OffThreadContext } from '@plurad/torch'
import type { Sample } from '../data/dataset.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { assertImagesFit } from '../data/source.js'
import { DataError } from '../errors.js'
import { findModelFile, loadModel, type ModelInfo } from '../models/model-file.js'
import type { Predictions } from '../metrics/predictions.js'
import { predictSamples, unreadableOf, warningsOf } from './predictor.js'
import { chooseDevice, makeLoader, useThreads } from './resources.js'

export interface InferenceJob {
  /** Model file or run folder. */
  model: string
  /** The labels that the samples' values stand for, in their order; none for prediction alone. */
  labels: readonly string[]
  samples: readonly Pick<Sample, 'image' | 'path' | 'also' | 'patient' | 'labels'>[]
  batchSize: number
  threads: number | null
  device: string
  strict: boolean
}

export interface InferenceMessage {
  kind: 'progress'
  done: number
  total: number
}

export interface InferenceOutcome {
  info: ModelInfo
  predictions: Predictions
  unreadable: { image: string; reason: string }[]
  /** Images that could be read, with what there is to know of them. */
  warnings: { image: string; reason: string }[]
}

export default async function inferOnEngine(
  job: InferenceJob,
  context: OffThreadContext<InferenceMessage>,
): Promise<InferenceOutcome> {
  useThreads(job.threads)
  const device = chooseDevice(job.device)
  const { model, info } = loadModel(findModelFile(job.model))
  model.to({ device })
  const { size, labels } = info
  assertImagesFit(
    job.samples,
    info.images,
    'this model knows no more, take one that was trained with data.images {}',
  )
  const loader = makeLoader(preprocessingOf(info), {
    workers: null,
    cacheMegabytes: 0,
    strict: job.strict,
    images: job.samples.length,
  })
  try {
    const samples = alignLabels(job, labels)
    const { predictions } = await predictSamples(model, loader, samples, {
      size,
      batchSize: job.batchSize,
      placement: { device, channelsLast: false },
      onBatch: (done, total) => context.post({ kind: 'progress', done, total }),
      stopped: () => context.stopped,
    })
    return {
      info,
      predictions,
      unreadable: unreadableOf(samples, loader),
      warnings: warningsOf(samples, loader),
    }
  } finally {
    await loader.close()
  }
}

/** Label values in the model's order; what the data set does not know is unknown. */
function alignLabels({ labels: given, samples }: InferenceJob, labels: readonly string[]): Sample[] {
  const positions = labels.map((label) => given.indexOf(label))
  if (given.length > 0 && positions.every((position) => position < 0)) {
    throw new DataError(
      `The data set has none of the model's labels. The model's: ${labels.join(', ')}. ` +
        `The data set's: ${given.join(', ')}.`,
    )
  }
  return samples.map((sample) => ({
    ...sample,
    labels: positions.map((position) => sample.labels[position] ?? null),
    metadata: { age: null, sex: null, view: null },
  }))
}
