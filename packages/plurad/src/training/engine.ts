/**
 * The work of `plurad train` on the engine's thread: builds the model, trains, then writes predictions, metrics and
 * the model file with the best weights.
 */
import { existsSync } from 'node:fs'
import { manualSeed, engineInfo, useDeterministicAlgorithms, type OffThreadContext } from '@plurad/torch'
import { loadedFor } from '../data/augment/steps.js'
import type { ImageLoader } from '../data/loader.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { RunError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import { Classifier, type ModelSettings } from '../models/classifier.js'
import type { ModelInfo } from '../models/model-file.js'
import { labelStatistics } from '../models/statistics.js'
import type { Recipe } from '../recipe/schema.js'
import { RunFolder } from '../run/folder.js'
import { writePredictions, type Predictions } from '../metrics/predictions.js'
import { version } from '../version.js'
import { withoutPaths } from '../without-paths.js'
import { saveTensors } from './checkpoint.js'
import { hardLabels, type TrainingJob, type TrainingMessage, type TrainingOutcome } from './job.js'
import { judgeRun, writeJudgement } from './judgement.js'
import { packCoverage, packRefusals } from './pack-notes.js'
import { choosePrecision } from './precision.js'
import { predictSamples, unreadableOf, warningsOf } from './predictor.js'
import { chooseDevice, makeLoader, useThreads } from './resources.js'
import { labelVectorsFor, startFrom } from './starting-weights.js'
import { runStages } from './stages/run-stages.js'
import type { ImageNote } from './stages/stage.js'

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
  const trained = samples.filter((_, i) => assignment[i] === 'train').map(hardLabels)
  const statistics = labelStatistics(trained, labels.length)
  const vectors = await labelVectorsFor(recipe, labels, statistics, context)
  const model = new Classifier(modelSettings(recipe, labels), { statistics, vectors })
  for (const text of model.head.notes) context.post({ kind: 'note', text })
  // A checkpoint replaces them anyway, and the file may be gone by then.
  if (recipe.model.weights !== null && !existsSync(folder.lastCheckpoint) && !existsSync(folder.stages)) {
    await startFrom(recipe.model.weights, model, folder, context)
  }
  model.to({ device })
  if (precision.channelsLast) model.to({ memoryFormat: 'channels_last' })
  const placement = { device, channelsLast: precision.channelsLast }
  const loaders = new StageLoaders(job)
  try {
    const stages = await runStages({
      ...{ job, model, placement, precision, folder, statistics, vectors, hooks: context },
      loaderFor: (own) => loaders.for(own),
      onStart: (resumedAt) => {
        if (job.pack !== null)
          context.post({ kind: 'note', text: packCoverage(job.pack, samples, loaders.latest) })
        context.post({
          kind: 'started',
          device,
          precision: precision.dtype,
          parameters: model.countParameters(),
          threads,
          engine: engineInfo().version,
          resumedAt,
        })
      },
    })
    const { bestEpoch } = stages
    const outcome = (finished: boolean): TrainingOutcome => ({
      finished,
      epochs: stages.epochs,
      bestEpoch,
      unreadable: bySample(samples, stages.unreadable, unreadableOf(samples, loaders.latest)),
      warnings: bySample(samples, stages.warnings, warningsOf(samples, loaders.latest)),
    })
    if (!stages.finished) return outcome(false)

    // As `predict` and `evaluate` will run it, so that their numbers are these to the last digit.
    model.to({ memoryFormat: 'contiguous_format' })
    const loader = loaders.latest
    const predicted: Partial<Record<'val' | 'test', Predictions>> = {}
    for (const split of ['val', 'test'] as const) {
      const rows = samples.filter((_, i) => assignment[i] === split)
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
    const predictedSamples = samples.filter((_, i) => assignment[i] !== 'train')
    const metadata = new Map(predictedSamples.map((sample) => [sample.image, sample.metadata]))
    const judged = judgeRun({ val, test, metadata, trainingCounts: statistics.positives }, recipe.evaluation)
    if (recipe.evaluation.calibration !== 'none' && judged.calibration === null) {
      context.post({
        kind: 'note',
        text: 'Note        not calibrated: no label has 10 positives and 10 negatives in the validation split',
      })
    }
    await writeJudgement(folder, judged, metadata)
    const info: ModelInfo = {
      plurad: version,
      labels: labels as ModelInfo['labels'],
      backbone: recipe.model.backbone,
      head: recipe.model.head,
      ...preprocessingOf(recipe.data),
      value_range: [0, 1],
      mean: model.settings.mean as ModelInfo['mean'],
      std: model.settings.std as ModelInfo['std'],
      vectors: model.settings.vectors ?? null,
      thresholds: judged.thresholds,
      calibration: judged.calibration,
      data_fingerprint: job.dataset.fingerprint,
      best_epoch: bestEpoch,
      licence: recipe.licence,
      recipe: withoutPaths(recipe),
    }
    saveTensors(folder.model, model.stateDict(), { format: 'pt', plurad: JSON.stringify(info) })
    // Last, since its presence says that the run is finished.
    const metrics = { best_epoch: bestEpoch, val: judged.val, test: judged.test }
    await writeFileAtomic(folder.metrics, `${JSON.stringify(metrics, null, 2)}\n`)
    const passedOver = packRefusals(loader)
    if (passedOver !== null) context.post({ kind: 'note', text: passedOver })
    return outcome(true)
  } finally {
    await loaders.close()
  }
}

/** Each image once, in the order of the samples; of several notes the latest. */
function bySample(samples: readonly { image: string }[], ...notes: readonly ImageNote[][]): ImageNote[] {
  const known = new Map(notes.flat().map((note) => [note.image, note]))
  return known.size === 0 ? [] : samples.flatMap(({ image }) => known.get(image) ?? [])
}

/** One loader for all stages whose images are loaded alike, so that what it has decoded is not decoded again. */
class StageLoaders {
  readonly #job: TrainingJob
  readonly #made = new Map<string, ImageLoader>()
  #latest: ImageLoader | null = null

  constructor(job: TrainingJob) {
    this.#job = job
  }

  for({ augmentation, data }: Recipe): ImageLoader {
    const { strict, samples, pack } = this.#job
    const loaded = loadedFor(augmentation, preprocessingOf(data))
    const key = JSON.stringify(loaded)
    this.#latest =
      this.#made.get(key) ??
      makeLoader(loaded, {
        workers: data.workers,
        cacheMegabytes: data.cache_mb,
        strict,
        images: samples.length,
        pack,
      })
    this.#made.set(key, this.#latest)
    return this.#latest
  }

  /** That of the last stage, or where every stage was finished before, of the run's recipe. */
  get latest(): ImageLoader {
    return this.#latest ?? this.for(this.#job.recipe)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#made.values()].map((loader) => loader.close()))
  }
}
