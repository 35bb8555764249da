/** Prediction and evaluation of a finished model, on the engine's thread. */
import type { OffThreadContext } from '@plurad/torch'
import { alignLabels } from '../data/align-labels.js'
import type { Sample } from '../data/dataset.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { assertImagesFit } from '../data/source.js'
import type { VariationSpec } from '../data/variations/variation.js'
import { findModelFile, loadModel, type ModelInfo } from '../models/model-file.js'
import type { Predictions } from '../metrics/predictions.js'
import { predictSamples, unreadableOf, warningsOf } from './predictor.js'
import { chooseDevice, makeLoader, useThreads } from './resources.js'

export interface InferenceJob {
  /** Model file or run folder. */
  model: string
  /** The labels that the samples' values stand for, in their order; none for prediction alone. */
  labels: readonly string[]
  samples: readonly (Pick<Sample, 'image' | 'path' | 'also' | 'patient' | 'labels'> & {
    /** Unknown where left out. */
    metadata?: Sample['metadata'] | undefined
  })[]
  batchSize: number
  threads: number | null
  device: string
  strict: boolean
  /** What else the images are looked at as. */
  variations?: readonly VariationSpec[]
}

export interface InferenceMessage {
  kind: 'progress'
  done: number
  total: number
}

export interface InferenceOutcome {
  info: ModelInfo
  predictions: Predictions
  /** [V] of [N, C]: the scores of each variation of the job. */
  varied: Float64Array[]
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
    const samples = alignLabels(job.samples, job.labels, labels).map((sample) => ({
      ...sample,
      metadata: sample.metadata ?? { age: null, sex: null, view: null },
    }))
    const { predictions, varied } = await predictSamples(model, loader, samples, {
      size,
      batchSize: job.batchSize,
      placement: { device, channelsLast: false },
      variations: job.variations ?? [],
      onBatch: (done, total) => context.post({ kind: 'progress', done, total }),
      stopped: () => context.stopped,
    })
    return {
      info,
      predictions,
      varied,
      unreadable: unreadableOf(samples, loader),
      warnings: warningsOf(samples, loader),
    }
  } finally {
    await loader.close()
  }
}
