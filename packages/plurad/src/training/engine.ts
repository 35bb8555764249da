/**
 * The work of `plurad train` on the engine's thread: builds the model, trains, then writes predictions, metrics and
 * the model file with the best weights.
 */
import { existsSync } from 'node:fs'
import {
  loadSafetensors,
  manualSeed,
  scope,
  engineInfo,
  useDeterministicAlgorithms,
  type OffThreadContext,
} from '@plurad/torch'
import { loadedFor } from '../data/augment/steps.js'
import type { Sample } from '../data/dataset.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { RunError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import { evaluateMultilabel, maxF1Thresholds } from '../metrics/index.js'
import { Classifier, type ModelSettings } from '../models/classifier.js'
import type { ModelInfo } from '../models/model-file.js'
import { freezeStages } from '../models/parameter-groups.js'
import { labelStatistics } from '../models/statistics.js'
import type { Recipe } from '../recipe/schema.js'
import { RunFolder } from '../run/folder.js'
import { writePredictions, type Predictions } from '../metrics/predictions.js'
import { version } from '../version.js'
import { saveTensors } from './checkpoint.js'
import type { TrainingJob, TrainingMessage, TrainingOutcome } from './job.js'
import { packCoverage, packRefusals } from './pack-notes.js'
import { choosePrecision } from './precision.js'
import { predictSamples } from './predictor.js'
import { chooseDevice, makeLoader, useThreads } from './resources.js'
import { labelVectorsFor, startFrom } from './starting-weights.js'
import { Trainer } from './trainer.js'

function modelSettings(recipe: Recipe, labels: readonly string[]): ModelSettings {
  const { channels, images, mean, std } = recipe.data
  // One value a channel of one image; a sample of several images has them stacked.
  const perChannel = (value: number | number[]): number[] => {
    const one = Array.isArray(value) ? value : new Array<number>(channels).fill(value)
    return Array.from({ length: images }, () => one).flat()
  }
  return {
    backbone: recipe.model.backbone,
    head: recipe.model.head,
    size: recipe.data.size,
    inChannels: channels * images,
    labels,
    mean: perChannel(mean),
    std: perChannel(std),
  }
}

export default async function trainOnEngine(
  job: TrainingJob,
  context: OffThreadContext<TrainingMessage>,
): Promise<TrainingOutcome> {
  const { recipe, labels, samples, assignment } = job
  const folder = new RunFolder(job.folder)
  const threads = useThreads(recipe.training.threads)
  const device = chooseDevice(recipe.training.device)
  const precision = choosePrecision(recipe.training.precision, device)
  manualSeed(recipe.training.seed)
  if (device !== 'cpu') useDeterministicAlgorithms(true)
  const trained = samples.filter((_, i) => assignment[i] === 'train').map((sample) => sample.labels)
  const statistics = labelStatistics(trained, labels.length)
  const vectors = await labelVectorsFor(recipe, labels, statistics, context)
  const model = new Classifier(modelSettings(recipe, labels), { statistics, vectors })
  for (const text of model.head.notes) context.post({ kind: 'note', text })
  // A checkpoint replaces them anyway, and the file may be gone by then.
  if (recipe.model.weights !== null && !existsSync(folder.lastCheckpoint)) {
    await startFrom(recipe.model.weights, model, folder, context)
  }
  freezeStages(model, recipe.model.freeze)
  model.to({ device })
  if (precision.channelsLast) model.to({ memoryFormat: 'channels_last' })

  const preprocessing = preprocessingOf(recipe.data)
  const loader = makeLoader(loadedFor(recipe.augmentation, preprocessing), {
    workers: recipe.data.workers,
    cacheMegabytes: recipe.data.cache_mb,
    strict: job.strict,
    images: samples.length,
    pack: job.pack,
  })
  try {
    if (job.pack !== null) context.post({ kind: 'note', text: packCoverage(job.pack, samples, loader) })
    const trainer = new Trainer(job, { model, loader, device, precision }, context)
    const { epoch, batch } = trainer.position
    context.post({
      kind: 'started',
      device,
      precision: precision.dtype,
      parameters: model.countParameters(),
      threads,
      engine: engineInfo().version,
      resumedAt: epoch + batch > 0 ? epoch + 1 : null,
    })
    const finished = await trainer.run()
    const outcome = (complete: boolean): TrainingOutcome => ({
      finished: complete,
      epochs: trainer.epochs,
      bestEpoch: trainer.bestEpoch,
      unreadable: trainer.unreadable(),
      warnings: trainer.warnings(),
    })
    if (!finished) return outcome(false)

    scope(() => model.loadStateDict(readWeights(folder.bestCheckpoint, BEST_GONE).tensors))
    // As `predict` and `evaluate` will run it, so that their numbers are these to the last digit.
    model.to({ memoryFormat: 'contiguous_format' })
    const predicted: Partial<Record<'val' | 'test', Predictions>> = {}
    for (const split of ['val', 'test'] as const) {
      const rows: Sample[] = samples.filter((_, i) => assignment[i] === split)
      const { predictions, complete } = await predictSamples(model, loader, rows, {
        size: recipe.data.size,
        batchSize: recipe.evaluation.batch_size,
        placement: { device, channelsLast: false },
        onBatch: (done, total) => context.post({ kind: 'evaluating', split, done, total }),
        stopped: () => context.stopped,
      })
      if (!complete) return outcome(false)
      await writePredictions(folder.predictions(split), predictions)
      predicted[split] = predictions
    }
    const { val, test } = predicted
    if (!val || !test) throw new RunError('there are no predictions')
    const { threshold } = recipe.evaluation
    const thresholds = threshold === 'max_f1' ? maxF1Thresholds(val) : labels.map(() => threshold)
    const info: ModelInfo = {
      plurad: version,
      labels: labels as ModelInfo['labels'],
      backbone: recipe.model.backbone,
      head: recipe.model.head,
      ...preprocessing,
      value_range: [0, 1],
      mean: model.settings.mean as ModelInfo['mean'],
      std: model.settings.std as ModelInfo['std'],
      vectors: model.settings.vectors ?? null,
      thresholds,
      calibration: null,
      data_fingerprint: job.dataset.fingerprint,
      best_epoch: trainer.bestEpoch,
      licence: null,
      recipe,
    }
    saveTensors(folder.model, model.stateDict(), { format: 'pt', plurad: JSON.stringify(info) })
    // Last, since its presence says that the run is finished.
    const metrics = {
      best_epoch: trainer.bestEpoch,
      val: evaluateMultilabel(val, thresholds),
      test: evaluateMultilabel(test, thresholds),
    }
    await writeFileAtomic(folder.metrics, `${JSON.stringify(metrics, null, 2)}\n`)
    const passedOver = packRefusals(loader)
    if (passedOver !== null) context.post({ kind: 'note', text: passedOver })
    return outcome(true)
  } finally {
    await loader.close()
  }
}

const BEST_GONE =
  'It is written whenever an epoch is the best so far; start the run again in another folder to make it anew.'

/** Reads a file of weights; `advice` says what to do where that fails. */
function readWeights(file: string, advice: string): ReturnType<typeof loadSafetensors> {
  try {
    return loadSafetensors(file)
  } catch (error) {
    throw new RunError(`The weights ${file} cannot be read: ${(error as Error).message}. ${advice}`, {
      cause: error,
    })
  }
}
