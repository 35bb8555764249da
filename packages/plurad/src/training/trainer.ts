/** The training loop. It runs on the engine's thread; everything it says goes out as messages. */
import { writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { aten, autocast, fromTypedArray, optim, scope, type Parameter, type Tensor } from '@plurad/torch'
import { augment } from '../data/augment.js'
import type { Sample } from '../data/dataset.js'
import type { Batch, ImageLoader } from '../data/loader.js'
import { Random, shuffled } from '../data/random.js'
import { TrainingError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import { losses, type Loss } from '../losses/registry.js'
import { evaluateMultilabel } from '../metrics/index.js'
import type { Classifier } from '../models/classifier.js'
import { lookUp } from '../models/registry.js'
import type { Recipe } from '../recipe/schema.js'
import { RunFolder } from '../run/folder.js'
import { pixelsToTensor, targetsOf, type Placement } from './batches.js'
import { atTheStart, loadCheckpoint, saveCheckpoint, saveTensors, type Progress } from './checkpoint.js'
import { formatHistory } from './history.js'
import type { TrainingJob, TrainingMessage } from './job.js'
import { predictSamples, unreadableOf } from './predictor.js'
import type { Precision } from './precision.js'

/**
 * Batch norm needs more than one value a channel to have a variance: with five halvings on the way, the last feature
 * map of a smaller image is a single pixel, and a single image of it would turn the running variance into NaN.
 */
const SMALLEST_ALONE = 64

type AnyOptimizer = optim.Optimizer<{ lr: number }>

export interface TrainerHooks {
  post(message: TrainingMessage): void
  readonly stopped: boolean
}

export interface TrainerResources {
  model: Classifier
  loader: ImageLoader
  device: string
  precision: Precision
}

export class Trainer {
  readonly #job: TrainingJob
  readonly #recipe: Recipe['training']
  readonly #folder: RunFolder
  readonly #hooks: TrainerHooks
  readonly #model: Classifier
  readonly #loader: ImageLoader
  readonly #placement: Placement
  readonly #precision: Precision
  readonly #loss: Loss
  readonly #optimizer: AnyOptimizer
  readonly #plateau: optim.ReduceOnPlateau
  /** Loss scaling, with float16 only. */
  readonly #scaler: optim.GradScaler | null
  readonly #train: readonly Sample[]
  readonly #val: readonly Sample[]
  #progress: Progress
  #savedAt = performance.now()

  constructor(job: TrainingJob, resources: TrainerResources, hooks: TrainerHooks) {
    this.#job = job
    this.#recipe = job.recipe.training
    this.#folder = new RunFolder(job.folder)
    this.#hooks = hooks
    this.#model = resources.model
    this.#loader = resources.loader
    this.#precision = resources.precision
    this.#placement = { device: resources.device, channelsLast: resources.precision.channelsLast }
    this.#loss = lookUp(losses, 'loss', job.recipe.loss.name)
    this.#optimizer = makeOptimizer(
      this.#recipe,
      this.#model.parameters().filter((p) => p.requiresGrad),
    )
    const { monitor, schedule } = this.#recipe
    this.#plateau = new optim.ReduceOnPlateau({
      factor: schedule.factor,
      patience: schedule.patience,
      mode: monitor === 'loss' ? 'min' : 'max',
    })
    const of = (split: string): Sample[] => job.samples.filter((_, i) => job.assignment[i] === split)
    this.#train = of('train')
    this.#val = of('val')
    this.#progress = loadCheckpoint(this.#folder.lastCheckpoint, this.#model, this.#optimizer) ?? atTheStart()
    this.#plateau.state = { ...this.#progress.plateau }
    this.#scaler = resources.precision.dtype === 'float16' ? new optim.GradScaler() : null
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

  get epochs(): number {
    return this.#progress.epoch
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
    const order = shuffled(
      this.#train.map((_, i) => i),
      new Random(seed, p.epoch),
    )
    const batches = Math.ceil(order.length / batchSize)
    const paths = this.#train.map((sample) => sample.path)
    const imagesBefore = p.lossImages
    const resumed = performance.now()
    // Adding up starts at a multiple of `accumulate`, and checkpoints are only made there.
    for await (const batch of this.#loader.batches(paths, order, batchSize, { startBatch: p.batch })) {
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
    const { data } = this.#job.recipe
    const {
      horizontal_flip: horizontalFlip,
      random_shift: randomShift,
      seed,
      clip_norm: clipNorm,
    } = this.#recipe
    const p = this.#progress
    const count = batch.indices.length
    let value: number | null = null
    if (count > 1 || (count === 1 && data.size >= SMALLEST_ALONE)) {
      const length = batch.pixels.length / count
      if (horizontalFlip || randomShift > 0) {
        batch.indices.forEach((index, row) => {
          const image = batch.pixels.subarray(row * length, (row + 1) * length)
          augment(image, data.size, { horizontalFlip, randomShift }, new Random(seed, p.epoch, index))
        })
      }
      this.#model.train()
      const targets = targetsOf(batch, this.#train, this.#job.labels.length)
      const loss = scope(() => this.#forward(batch, targets))
      try {
        value = loss.item()
        if (!Number.isFinite(value)) this.#fail(batch, targets, value)
        const scaled = scope(() => (this.#scaler ? this.#scaler.scale(loss) : loss).div(inGroup))
        scaled.backward()
        scaled.dispose()
      } finally {
        loss.dispose()
      }
    }
    if (boundary) {
      this.#optimizer.setLearningRate(this.#learningRate(p.epoch + epochShare))
      const finite = this.#scaler?.unscale(this.#optimizer) ?? true
      if (clipNorm !== null) optim.clipGradNorm_(this.#optimizer.parameters, clipNorm)
      if (this.#scaler) this.#scaler.step(this.#optimizer, finite)
      else this.#optimizer.step()
      this.#optimizer.zeroGrad()
      p.scaler = this.#scaler?.state ?? null
      p.updates++
    }
    return value
  }

  #forward(batch: Batch, targets: Float32Array): Tensor {
    const { device } = this.#placement
    const pixels = pixelsToTensor(batch, this.#job.recipe.data.size, this.#model.settings, this.#placement)
    const y = fromTypedArray(targets, [batch.indices.length, this.#job.labels.length], { device })
    const { dtype } = this.#precision
    const forward = (): Tensor => this.#model.forward(pixels)
    const logits =
      dtype === 'float32'
        ? forward()
        : autocast({ device: device.startsWith('cuda') ? 'cuda' : 'cpu', dtype }, forward)
    // The loss in single precision: half precision cannot tell small probabilities from nothing.
    return this.#loss(logits.float(), y)
  }

  #learningRate(epochs: number): number {
    const { optimizer, schedule, epochs: total } = this.#recipe
    const factor =
      schedule.name === 'cosine'
        ? optim.cosine(Math.max(total - schedule.warmup_epochs, 1e-9))(
            Math.max(epochs - schedule.warmup_epochs, 0),
          )
        : schedule.name === 'plateau'
          ? this.#progress.plateauFactor
          : 1
    const warm = schedule.warmup_epochs > 0 ? Math.min(1, (epochs + 0.01) / schedule.warmup_epochs) : 1
    return optimizer.learning_rate * factor * warm
  }

  async #endEpoch(elapsed: () => number): Promise<boolean> {
    const p = this.#progress
    const { epochs, monitor, early_stopping: earlyStopping } = this.#recipe
    const { evaluation, data } = this.#job.recipe
    const validated = await predictSamples(this.#model, this.#loader, this.#val, {
      size: data.size,
      batchSize: evaluation.batch_size,
      placement: this.#placement,
      loss: this.#loss,
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
    const learningRate = this.#optimizer.learningRate
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
    // A finite loss can leave gradients, and so weights, that are not: such a state must not replace a good one.
    const weights = this.#optimizer.parameters
    if (
      !scope(() => Number.isFinite(aten.stack.default(aten._foreach_norm.Scalar(weights, 2)).sum().item()))
    ) {
      throw new TrainingError(
        `The weights are no longer finite in epoch ${this.#progress.epoch + 1}; the last checkpoint is from before. ` +
          WHAT_HELPS,
      )
    }
    saveCheckpoint(this.#folder.lastCheckpoint, this.#model, this.#optimizer, this.#progress)
    this.#savedAt = performance.now()
  }

  #saveBest(): void {
    saveTensors(this.#folder.bestCheckpoint, this.#model.stateDict(), { epoch: String(this.#progress.epoch) })
  }

  /** Writes the batch aside for a look, and ends the run. The last checkpoint stays as it is. */
  #fail(batch: Batch, targets: Float32Array, value: number): never {
    const where = this.#keepBatch(batch, targets)
    throw new TrainingError(
      `The loss became ${value} in epoch ${this.#progress.epoch + 1}, batch ${this.#progress.batch + 1}. ` +
        `${where} ${WHAT_HELPS}`,
    )
  }

  /** Says where the batch lies now; the reason why training failed counts more than a failure to keep it. */
  #keepBatch(batch: Batch, targets: Float32Array): string {
    const folder = this.#folder.failedBatch
    try {
      this.#writeBatch(folder, batch, targets)
      return `The batch is in ${folder}.`
    } catch (error) {
      return `The batch could not be written to ${folder}: ${(error as Error).message}.`
    }
  }

  #writeBatch(folder: string, batch: Batch, targets: Float32Array): void {
    mkdirSync(folder, { recursive: true })
    const { size, channels } = this.#job.recipe.data
    const n = batch.indices.length
    scope(() => {
      const tensors = new Map([
        ['pixels', fromTypedArray(batch.pixels, [n, channels, size, size])],
        ['targets', fromTypedArray(targets, [n, this.#job.labels.length])],
      ])
      saveTensors(join(folder, 'batch.safetensors'), tensors, {})
    })
    const images = Array.from(batch.indices, (index) => this.#train[index].image)
    writeFileSync(join(folder, 'images.txt'), `${images.join('\n')}\n`)
  }
}

const WHAT_HELPS =
  'A new run with a smaller training.optimizer.learning_rate, training.clip_norm=1 or training.precision=float32 ' +
  'usually helps; the last checkpoint of this one is untouched.'

function makeOptimizer(recipe: Recipe['training'], parameters: readonly Parameter[]): AnyOptimizer {
  const { name, learning_rate: lr, weight_decay: weightDecay, momentum } = recipe.optimizer
  switch (name) {
    case 'adam':
      return new optim.Adam(parameters, { lr, weightDecay })
    case 'adamw':
      return new optim.AdamW(parameters, { lr, weightDecay })
    case 'sgd':
      return new optim.SGD(parameters, { lr, weightDecay, momentum })
  }
}
