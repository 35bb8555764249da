/** The training loop. It runs on the engine's thread; everything it says goes out as messages. */
import { aten, autocast, fromTypedArray, nn, optim, scope, type Tensor } from '@plurad/torch'
import type { Batch, ImageLoader } from '../data/loader.js'
import { RecipeError, TrainingError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import { evaluateMultilabel } from '../metrics/index.js'
import type { Classifier } from '../models/classifier.js'
import type { HeadOutput } from '../models/head.js'
import { labelStatistics } from '../models/statistics.js'
import type { Recipe } from '../recipe/schema.js'
import type { StageFolder } from '../run/stage-folder.js'
import { pixelsToTensor, type Placement } from './batches.js'
import { atTheStart, loadCheckpoint, saveCheckpoint, saveTensors, type Progress } from './checkpoint.js'
import { EpochBatches } from './epoch-batches.js'
import { keepBatch } from './failed-batch.js'
import { formatHistory, type HistoryRow } from './history.js'
import { hardLabels, type TrainingJob, type TrainingMessage, type TrainingSample } from './job.js'
import { Objective } from './objective.js'
import { learningRateAt } from './optimizer.js'
import { predictSamples, unreadableOf, warningsOf } from './predictor.js'
import type { Precision } from './precision.js'
import { Preparation, type TrainingBatch } from './preparation.js'
import { metadataInput } from './side-input.js'
import { WeightUpdate } from './weight-update.js'

/**
 * Batch norm needs more than one value a channel to have a variance: with five halvings on the way, the last feature
 * map of a smaller image is a single pixel, and a single image of it would turn the running variance into NaN.
 */
const SMALLEST_ALONE = 64

/** Images whose warnings a checkpoint keeps: it must stay small, also where every file of a large data set has one. */
const WARNINGS_KEPT = 10_000

export interface TrainerHooks {
  post(message: TrainingMessage): void
  readonly stopped: boolean
}

export interface TrainerResources {
  model: Classifier
  loader: ImageLoader
  placement: Placement
  precision: Precision
}

export class Trainer {
  readonly #job: TrainingJob
  readonly #recipe: Recipe['training']
  readonly #folder: StageFolder
  readonly #hooks: TrainerHooks
  readonly #model: Classifier
  readonly #loader: ImageLoader
  readonly #placement: Placement
  readonly #precision: Precision
  readonly #objective: Objective
  readonly #update: WeightUpdate
  readonly #plateau: optim.ReduceOnPlateau
  readonly #train: readonly TrainingSample[]
  readonly #val: readonly TrainingSample[]
  readonly #epochBatches: EpochBatches
  readonly #preparation: Preparation
  /** The batches of the step under way, where it goes through them twice. */
  #group: TrainingBatch[] = []
  #progress: Progress
  #savedAt = performance.now()

  constructor(
    job: TrainingJob,
    { model, loader, placement, precision }: TrainerResources,
    hooks: TrainerHooks,
    folder: StageFolder,
  ) {
    this.#job = job
    this.#recipe = job.recipe.training
    this.#folder = folder
    this.#hooks = hooks
    this.#model = model
    this.#loader = loader
    this.#precision = precision
    this.#placement = placement
    const { monitor, schedule } = this.#recipe
    const { mixing } = job.recipe
    if (model.head.wantsKnown && mixing !== null) {
      throw new RecipeError(
        `mixing ${mixing.name}: the head ${model.settings.head.name} is shown some labels while it learns, which have to be ` +
          'present or absent. Use mixing=null.',
      )
    }
    this.#plateau = new optim.ReduceOnPlateau({
      factor: schedule.factor,
      patience: schedule.patience,
      mode: monitor === 'loss' ? 'min' : 'max',
    })
    const { labels } = job
    const of = (split: string): TrainingSample[] => job.samples.filter((_, i) => job.assignment[i] === split)
    // From an image without any known label nothing is learned.
    this.#train = of('train').filter((sample) => sample.labels.some((value) => value !== null))
    this.#val = of('val')
    const rows = this.#train.map(hardLabels)
    this.#objective = new Objective(
      job.recipe.loss,
      { labels, statistics: labelStatistics(rows, labels.length) },
      {
        deferred: this.#recipe.deferred_reweighting,
        soft:
          mixing !== null ||
          this.#recipe.label_smoothing > 0 ||
          this.#train.some((sample) => sample.labels.some(isBetween)),
      },
    )
    const variables = this.#objective.loss.variables ?? null
    for (const one of Object.values({ ...variables?.minimised, ...variables?.maximised })) {
      one.convert_({ device: placement.device })
    }
    this.#update = new WeightUpdate(this.#recipe, model, variables, precision)
    this.#epochBatches = new EpochBatches(job.recipe, this.#train, rows, loader)
    this.#preparation = new Preparation(job.recipe, this.#train, {
      labels: labels.length,
      reveals: model.head.wantsKnown,
    })
    const { optimizer, tensors } = this.#update
    this.#progress = loadCheckpoint(folder.lastCheckpoint, model, optimizer, tensors) ?? atTheStart()
    this.#plateau.state = { ...this.#progress.plateau }
    this.#update.resume(this.#progress)
  }

  /** The epoch and batch that training goes on from; 0 and 0 for a new run. */
  get position(): { epoch: number; batch: number } {
    return { epoch: this.#progress.epoch, batch: this.#progress.batch }
  }

  get bestEpoch(): number | null {
    return this.#progress.best?.epoch ?? null
  }

  /** Images that could not be read, also before an interruption. */
  unreadable(): { image: string; reason: string }[] {
    for (const { image, reason } of unreadableOf(this.#job.samples, this.#loader))
      this.#progress.unreadable[image] ??= reason
    const { unreadable } = this.#progress
    return this.#job.samples.flatMap(({ image }) =>
      Object.hasOwn(unreadable, image) ? [{ image, reason: unreadable[image] }] : [],
    )
  }

  /** What there is to know of images that could be read, also before an interruption. */
  warnings(): { image: string; reason: string }[] {
    const known = new Map(Object.entries(this.#progress.warnings))
    for (const { image, reason } of warningsOf(this.#job.samples, this.#loader)) known.set(image, reason)
    if (known.size === 0) return []
    this.#progress.warnings = Object.fromEntries([...known].slice(0, WARNINGS_KEPT))
    return this.#job.samples.flatMap(({ image }) => {
      const reason = known.get(image)
      return reason === undefined ? [] : [{ image, reason }]
    })
  }

  get epochs(): number {
    return this.#progress.epoch
  }

  get history(): readonly HistoryRow[] {
    return this.#progress.history
  }

  /** Trains to the end, or until it is asked to stop; gives whether it is at its end. */
  async run(): Promise<boolean> {
    while (!this.#progress.done) {
      if (!(await this.#epoch())) {
        this.#save()
        return false
      }
    }
    return true
  }

  async #epoch(): Promise<boolean> {
    const p = this.#progress
    const { batch_size: batchSize, epochs } = this.#recipe
    const started = performance.now() - p.epochSeconds * 1000
    const elapsed = (): number => (performance.now() - started) / 1000
    const order = this.#epochBatches.order(p.epoch)
    const images = order.images.length
    const batches = Math.ceil(images / batchSize)
    const passed = p.batch * batchSize
    this.#preparation.begin(p.epoch, order.images.subarray(0, passed), order.partners.subarray(0, passed))
    const imagesBefore = p.lossImages
    const resumed = performance.now()
    // Adding up starts at a multiple of `accumulate`, and checkpoints are only made there.
    for await (const [batch, partner] of this.#epochBatches.read(order, p.batch)) {
      const last = p.batch + 1 === batches
      const boundary = last || (p.batch + 1) % this.#recipe.accumulate === 0
      const { accumulate } = this.#recipe
      const inGroup = Math.min(accumulate, batches - (p.batch - (p.batch % accumulate)))
      const loss = this.#step([batch, partner], p.batch / batches, boundary, inGroup)
      p.batch++
      if (loss !== null) {
        p.lossSum += loss * batch.indices.length
        p.lossImages += batch.indices.length
        const rate = (p.lossImages - imagesBefore) / ((performance.now() - resumed) / 1000)
        this.#hooks.post({
          kind: 'batch',
          epoch: p.epoch + 1,
          epochs,
          batch: p.batch,
          batches,
          loss: p.lossSum / p.lossImages,
          imagesPerSecond: rate,
          secondsLeft: Math.max(0, images - p.batch * batchSize) / rate,
        })
      }
      if (boundary) {
        p.epochSeconds = elapsed()
        if (this.#hooks.stopped) return false
        if (!last && this.#checkpointIsDue()) this.#save()
      }
      // Lets messages out and the loader in: a step never yields by itself.
      await new Promise(setImmediate)
    }
    if (p.lossImages === 0) {
      const reason = [...this.#loader.failures.values()][0]
      throw new TrainingError(
        reason === undefined
          ? `Every batch had a single image, from which nothing is learned at data.size=${this.#job.recipe.data.size}: ` +
              'choose a training.batch_size of 2 or more.'
          : `None of the ${images} training images could be read; the first reason: ${reason}`,
      )
    }
    return this.#endEpoch(elapsed)
  }

  /** Forward, backward and, at a boundary, the update; gives the loss, or null for a batch without images. */
  #step(
    [batch, partner]: [Batch, Batch | null],
    epochShare: number,
    boundary: boolean,
    inGroup: number,
  ): number | null {
    const { size } = this.#job.recipe.data
    const p = this.#progress
    const count = batch.indices.length
    let value: number | null = null
    if (count > 1 || (count === 1 && size >= SMALLEST_ALONE)) {
      const prepared = this.#preparation.prepare(batch, p.batch, partner)
      this.#model.train()
      value = this.#backward(prepared, inGroup)
      // The loader's memory is used again for the next batch.
      if (this.#update.twice)
        this.#group.push(boundary ? prepared : { ...prepared, pixels: prepared.pixels.slice() })
    }
    if (boundary) {
      this.#update.step(learningRateAt(this.#recipe, p.epoch + epochShare, p.plateauFactor), () =>
        nn.withFrozenStatistics(this.#model, () => {
          for (const prepared of this.#group) this.#backward(prepared, inGroup)
        }),
      )
      this.#group = []
      this.#update.note(p)
      p.updates++
    }
    return value
  }

  /** Forward and backward; gives the loss. */
  #backward(prepared: TrainingBatch, inGroup: number): number {
    const loss = scope(() => this.#forward(prepared))
    try {
      const value = loss.item()
      if (!Number.isFinite(value)) this.#fail(prepared, value)
      this.#update.backward(loss, inGroup)
      return value
    } finally {
      loss.dispose()
    }
  }

  #forward(batch: TrainingBatch): Tensor {
    const { device } = this.#placement
    const pixels = pixelsToTensor(batch, this.#job.recipe.data.size, this.#model.settings, this.#placement)
    const { head } = this.#model
    const shape = [batch.indices.length, this.#job.labels.length]
    const { shown } = batch
    const side = {
      metadata: metadataInput(head, this.#train, batch.indices, device),
      known: shown === null ? null : fromTypedArray(shown, shape, { device }),
    }
    const y = fromTypedArray(batch.targets, shape, { device })
    const { dtype } = this.#precision
    const forward = (): HeadOutput => this.#model.outputs(pixels, side)
    const output =
      dtype === 'float32'
        ? forward()
        : autocast({ device: device.startsWith('cuda') ? 'cuda' : 'cpu', dtype }, forward)
    return this.#objective.of(output, y, this.#progress.epoch + 1)
  }

  async #endEpoch(elapsed: () => number): Promise<boolean> {
    const p = this.#progress
    const { epochs, monitor, early_stopping: earlyStopping } = this.#recipe
    const { evaluation, data } = this.#job.recipe
    const validated = await this.#update.withAverage(() =>
      predictSamples(this.#model, this.#loader, this.#val, {
        size: data.size,
        batchSize: evaluation.batch_size,
        placement: this.#placement,
        loss: this.#objective.loss,
        onBatch: (done, total) => this.#hooks.post({ kind: 'evaluating', split: 'val', done, total }),
        stopped: () => this.#hooks.stopped,
      }),
    )
    // Stopped in the middle: the epoch's training is done, its evaluation is made again on resume.
    if (!validated.complete) return false
    // Caught before it becomes the checkpoint, which would then never lead anywhere.
    if (validated.predictions.scores.some(Number.isNaN)) {
      throw new TrainingError(
        `The model gives probabilities that are not numbers at the end of epoch ${p.epoch + 1}: its weights have ` +
          `run away. ${WHAT_HELPS}`,
      )
    }
    const { macro } = evaluateMultilabel(validated.predictions)
    const value =
      monitor === 'loss' ? validated.loss : monitor === 'macro_auc' ? macro.auc : macro.average_precision
    const better =
      value !== null &&
      (p.best === null || (monitor === 'loss' ? value < p.best.value : value > p.best.value))
    p.epoch++
    if (better) p.best = { epoch: p.epoch, value }
    p.waited = better ? 0 : p.waited + 1
    // Without anything to compare by, the newest weights are the best known.
    const newest = better || p.best === null
    if (newest) await this.#update.withAverage(() => this.#saveBest())
    const { learningRate } = this.#update.optimizer
    const factor = this.#plateau.step(value)
    if (factor < p.plateauFactor && this.#recipe.schedule.name === 'plateau') this.#update.endStage()
    p.plateauFactor = factor
    p.plateau = { ...this.#plateau.state }
    const seconds = elapsed()
    const trainLoss = p.lossSum / p.lossImages
    p.history.push({
      epoch: p.epoch,
      step: p.updates,
      seconds,
      images_per_second: p.lossImages / seconds,
      learning_rate: learningRate,
      train_loss: trainLoss,
      val_loss: validated.loss,
      val_macro_auc: macro.auc,
      val_macro_average_precision: macro.average_precision,
    })
    Object.assign(p, { batch: 0, lossSum: 0, lossImages: 0, epochSeconds: 0 })
    p.done = p.epoch >= epochs || (earlyStopping !== null && p.waited >= earlyStopping)
    await writeFileAtomic(this.#folder.history, formatHistory(p.history))
    // Together with the best weights, so that they never belong to epochs that the checkpoint knows nothing of.
    if (newest || p.done || this.#checkpointIsDue()) this.#save()
    this.#hooks.post({
      kind: 'epoch',
      epoch: p.epoch,
      epochs,
      seconds,
      trainLoss,
      valLoss: validated.loss,
      valAuc: macro.auc,
      best: better,
      learningRate,
    })
    if (p.done && p.epoch < epochs) {
      this.#hooks.post({ kind: 'note', text: `No better ${monitor} for ${p.waited} epochs: stopped early.` })
    }
    return true
  }

  #checkpointIsDue(): boolean {
    return performance.now() - this.#savedAt >= this.#recipe.checkpoint_seconds * 1000
  }

  #save(): void {
    this.unreadable()
    this.warnings()
    // A finite loss can leave gradients, and so weights, that are not: such a state must not replace a good one.
    const { optimizer, tensors } = this.#update
    const weights = optimizer.parameters
    if (
      !scope(() => Number.isFinite(aten.stack.default(aten._foreach_norm.Scalar(weights, 2)).sum().item()))
    ) {
      throw new TrainingError(
        `The weights are no longer finite in epoch ${this.#progress.epoch + 1}; the last checkpoint is from before. ` +
          WHAT_HELPS,
      )
    }
    saveCheckpoint(this.#folder.lastCheckpoint, this.#model, optimizer, this.#progress, tensors)
    this.#savedAt = performance.now()
  }

  #saveBest(): void {
    saveTensors(this.#folder.bestCheckpoint, this.#model.stateDict(), { epoch: String(this.#progress.epoch) })
  }

  /** Writes the batch aside for a look, and ends the run. The last checkpoint stays as it is. */
  #fail({ indices, pixels, targets }: TrainingBatch, value: number): never {
    const images = Array.from(indices, (index) => this.#train[index].image)
    const { inChannels } = this.#model.settings
    const where = keepBatch(
      this.#folder.failedBatch,
      { pixels, targets, images },
      inChannels,
      this.#job.recipe.data.size,
    )
    throw new TrainingError(
      `The loss became ${value} in epoch ${this.#progress.epoch + 1}, batch ${this.#progress.batch + 1}. ` +
        `${where} ${WHAT_HELPS}`,
    )
  }
}

/** Neither absent nor present nor unknown. */
const isBetween = (value: number | null): boolean => value !== null && value !== 0 && value !== 1

const WHAT_HELPS =
  'A new run with a smaller training.optimizer.learning_rate, training.clip_norm=1 or training.precision=float32 ' +
  'usually helps; the last checkpoint of this one is untouched.'
