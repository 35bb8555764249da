/** The training loop. It runs on the engine's thread; everything it says goes out as messages. */
import { aten, autocast, fromTypedArray, optim, scope, type Tensor } from '@plurad/torch'
import type { Batch, ImageLoader } from '../data/loader.js'
import { Random } from '../data/random.js'
import { makeSampler } from '../data/samplers/registry.js'
import type { DrawEpoch } from '../data/samplers/sampler.js'
import { sourceOf, type ImageSource } from '../data/source.js'
import { TrainingError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import { evaluateMultilabel } from '../metrics/index.js'
import type { Classifier } from '../models/classifier.js'
import type { HeadOutput } from '../models/head.js'
import { labelStatistics } from '../models/statistics.js'
import type { Recipe } from '../recipe/schema.js'
import type { StageFolder } from '../run/stage-folder.js'
import { pixelsToTensor, type Placement } from './batches.js'
import { atTheStart, loadCheckpoint, saveCheckpoint, saveTensors, type Progress } from './checkpoint.js'
import { keepBatch } from './failed-batch.js'
import { formatHistory, type HistoryRow } from './history.js'
import { hardLabels, type TrainingJob, type TrainingMessage, type TrainingSample } from './job.js'
import { Objective } from './objective.js'
import { learningRateAt, makeOptimizer, type Learning } from './optimizer.js'
import { predictSamples, unreadableOf, warningsOf } from './predictor.js'
import type { Precision } from './precision.js'
import { Preparation, type TrainingBatch } from './preparation.js'
import { metadataInput, revealLabels } from './side-input.js'

/**
 * Batch norm needs more than one value a channel to have a variance: with five halvings on the way, the last feature
 * map of a smaller image is a single pixel, and a single image of it would turn the running variance into NaN.
 */
const SMALLEST_ALONE = 64

/** Images whose warnings a checkpoint keeps: it must stay small, also where every file of a large data set has one. */
const WARNINGS_KEPT = 10_000

/** Sets the random numbers of label-mask training apart. */
const REVEALING = 0x726576

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
  readonly #learning: Learning
  readonly #plateau: optim.ReduceOnPlateau
  /** Loss scaling, with float16 only. */
  readonly #scaler: optim.GradScaler | null
  readonly #train: readonly TrainingSample[]
  readonly #val: readonly TrainingSample[]
  readonly #sources: readonly ImageSource[]
  readonly #draw: DrawEpoch
  readonly #preparation: Preparation
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
    this.#learning = makeOptimizer(this.#recipe, model)
    const { monitor, schedule } = this.#recipe
    this.#plateau = new optim.ReduceOnPlateau({
      factor: schedule.factor,
      patience: schedule.patience,
      mode: monitor === 'loss' ? 'min' : 'max',
    })
    const { labels } = job
    const of = (split: string): TrainingSample[] => job.samples.filter((_, i) => job.assignment[i] === split)
    this.#train = of('train')
    this.#val = of('val')
    const rows = this.#train.map(hardLabels)
    this.#objective = new Objective(job.recipe.loss, {
      labels,
      statistics: labelStatistics(rows, labels.length),
    })
    this.#sources = this.#train.map(sourceOf)
    this.#draw = makeSampler(rows, this.#recipe.sampler)
    this.#preparation = new Preparation(job.recipe, this.#train, labels.length)
    this.#progress = loadCheckpoint(folder.lastCheckpoint, model, this.#learning.optimizer) ?? atTheStart()
    this.#plateau.state = { ...this.#progress.plateau }
    this.#scaler = precision.dtype === 'float16' ? new optim.GradScaler() : null
    if (this.#scaler && this.#progress.scaler) this.#scaler.state = { ...this.#progress.scaler }
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
    const { batch_size: batchSize, seed, epochs } = this.#recipe
    const started = performance.now() - p.epochSeconds * 1000
    const elapsed = (): number => (performance.now() - started) / 1000
    const order = this.#draw(new Random(seed, p.epoch))
    const batches = Math.ceil(order.length / batchSize)
    this.#preparation.begin(p.epoch, order.subarray(0, p.batch * batchSize))
    const imagesBefore = p.lossImages
    const resumed = performance.now()
    // Adding up starts at a multiple of `accumulate`, and checkpoints are only made there.
    for await (const batch of this.#loader.batches(this.#sources, order, batchSize, {
      startBatch: p.batch,
      reuse: true,
    })) {
      const last = p.batch + 1 === batches
      const boundary = last || (p.batch + 1) % this.#recipe.accumulate === 0
      const { accumulate } = this.#recipe
      const inGroup = Math.min(accumulate, batches - (p.batch - (p.batch % accumulate)))
      const loss = this.#step(batch, p.batch / batches, boundary, inGroup)
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
          secondsLeft: (order.length - p.batch * batchSize) / rate,
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
          : `None of the ${order.length} training images could be read; the first reason: ${reason}`,
      )
    }
    return this.#endEpoch(elapsed)
  }

  /** Forward, backward and, at a boundary, the update; gives the loss, or null for a batch without images. */
  #step(batch: Batch, epochShare: number, boundary: boolean, inGroup: number): number | null {
    const { size } = this.#job.recipe.data
    const { clip_norm: clipNorm } = this.#recipe
    const p = this.#progress
    const count = batch.indices.length
    let value: number | null = null
    if (count > 1 || (count === 1 && size >= SMALLEST_ALONE)) {
      const prepared = this.#preparation.prepare(batch, p.batch)
      this.#model.train()
      const loss = scope(() => this.#forward(prepared))
      try {
        value = loss.item()
        if (!Number.isFinite(value)) this.#fail(prepared, value)
        const scaled = scope(() => (this.#scaler ? this.#scaler.scale(loss) : loss).div(inGroup))
        scaled.backward()
        scaled.dispose()
      } finally {
        loss.dispose()
      }
    }
    if (boundary) {
      const { optimizer, shares } = this.#learning
      const rate = learningRateAt(this.#recipe, p.epoch + epochShare, p.plateauFactor)
      optimizer.groups.forEach(({ settings }, i) => (settings.lr = rate * shares[i]))
      const finite = this.#scaler?.unscale(optimizer) ?? true
      if (clipNorm !== null) optim.clipGradNorm_(optimizer.parameters, clipNorm)
      if (this.#scaler) this.#scaler.step(optimizer, finite)
      else optimizer.step()
      optimizer.zeroGrad()
      p.scaler = this.#scaler?.state ?? null
      p.updates++
    }
    return value
  }

  #forward(batch: TrainingBatch): Tensor {
    const { device } = this.#placement
    const pixels = pixelsToTensor(batch, this.#job.recipe.data.size, this.#model.settings, this.#placement)
    const { head } = this.#model
    const shape = [batch.indices.length, this.#job.labels.length]
    const { seed } = this.#recipe
    const { epoch, batch: at } = this.#progress
    const shown = head.wantsKnown
      ? revealLabels(batch.targets, this.#job.labels.length, new Random(REVEALING, seed, epoch, at))
      : null
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
    return this.#objective.of(output, y)
  }

  async #endEpoch(elapsed: () => number): Promise<boolean> {
    const p = this.#progress
    const { epochs, monitor, early_stopping: earlyStopping } = this.#recipe
    const { evaluation, data } = this.#job.recipe
    const validated = await predictSamples(this.#model, this.#loader, this.#val, {
      size: data.size,
      batchSize: evaluation.batch_size,
      placement: this.#placement,
      loss: this.#objective.loss,
      onBatch: (done, total) => this.#hooks.post({ kind: 'evaluating', split: 'val', done, total }),
      stopped: () => this.#hooks.stopped,
    })
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
    if (newest) this.#saveBest()
    const learningRate = this.#learning.optimizer.learningRate
    p.plateauFactor = this.#plateau.step(value)
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
    const weights = this.#learning.optimizer.parameters
    if (
      !scope(() => Number.isFinite(aten.stack.default(aten._foreach_norm.Scalar(weights, 2)).sum().item()))
    ) {
      throw new TrainingError(
        `The weights are no longer finite in epoch ${this.#progress.epoch + 1}; the last checkpoint is from before. ` +
          WHAT_HELPS,
      )
    }
    saveCheckpoint(this.#folder.lastCheckpoint, this.#model, this.#learning.optimizer, this.#progress)
    this.#savedAt = performance.now()
  }

  #saveBest(): void {
    saveTensors(this.#folder.bestCheckpoint, this.#model.stateDict(), { epoch: String(this.#progress.epoch) })
  }

  /** Writes the batch aside for a look, and ends the run. The last checkpoint stays as it is. */
  #fail({ indices, ...batch }: TrainingBatch, value: number): never {
    const images = Array.from(indices, (index) => this.#train[index].image)
    const { inChannels } = this.#model.settings
    const where = keepBatch(
      this.#folder.failedBatch,
      { ...batch, images },
      inChannels,
      this.#job.recipe.data.size,
    )
    throw new TrainingError(
      `The loss became ${value} in epoch ${this.#progress.epoch + 1}, batch ${this.#progress.batch + 1}. ` +
        `${where} ${WHAT_HELPS}`,
    )
  }
}

const WHAT_HELPS =
  'A new run with a smaller training.optimizer.learning_rate, training.clip_norm=1 or training.precision=float32 ' +
  'usually helps; the last checkpoint of this one is untouched.'
