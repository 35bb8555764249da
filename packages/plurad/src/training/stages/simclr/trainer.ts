/** The loop of contrastive training: views, NT-Xent, updates; after each epoch the same loss on the validation split. */
import { autocast, noGrad, optim, scope, type Tensor } from '@plurad/torch'
import type { Batch } from '../../../data/loader.js'
import { shuffled, Random } from '../../../data/random.js'
import { sourceOf, type ImageSource } from '../../../data/source.js'
import { TrainingError } from '../../../errors.js'
import { writeFileAtomic } from '../../../files.js'
import { pixelsToTensor } from '../../batches.js'
import { atTheStart, loadCheckpoint, saveCheckpoint, saveTensors, type Progress } from '../../checkpoint.js'
import { formatHistory, type HistoryRow } from '../../history.js'
import type { TrainingSample } from '../../job.js'
import { learningRateAt, optimizerOf, type Learning } from '../../optimizer.js'
import type { StageContext } from '../stage.js'
import { contrastiveGroups } from './groups.js'
import type { ContrastiveNetwork } from './network.js'
import { ntXent } from './nt-xent.js'
import { Views } from './views.js'

/** The key of the views that validation sees: the same after every epoch, so that its losses can be compared. */
const VALIDATION = 0

export class ContrastiveTrainer {
  readonly #context: StageContext
  readonly #network: ContrastiveNetwork
  readonly #temperature: number
  readonly #learning: Learning
  readonly #plateau: optim.ReduceOnPlateau
  readonly #scaler: optim.GradScaler | null
  readonly #views: Views
  readonly #train: readonly ImageSource[]
  readonly #val: readonly ImageSource[]
  readonly progress: Progress
  #savedAt = performance.now()

  constructor(context: StageContext, network: ContrastiveNetwork, temperature: number) {
    const { job, folder, model, precision } = context
    this.#context = context
    this.#network = network
    this.#temperature = temperature
    const { training } = job.recipe
    this.#learning = optimizerOf(training, contrastiveGroups(training, model, network.projection))
    const { factor, patience } = training.schedule
    this.#plateau = new optim.ReduceOnPlateau({ factor, patience, mode: 'min' })
    this.#views = new Views(job.recipe)
    const of = (split: string): TrainingSample[] => job.samples.filter((_, i) => job.assignment[i] === split)
    this.#train = of('train').map(sourceOf)
    this.#val = of('val').map(sourceOf)
    this.progress = loadCheckpoint(folder.lastCheckpoint, network, this.#learning.optimizer) ?? atTheStart()
    this.#plateau.state = { ...this.progress.plateau }
    this.#scaler = precision.dtype === 'float16' ? new optim.GradScaler() : null
    if (this.#scaler && this.progress.scaler) this.#scaler.state = { ...this.progress.scaler }
  }

  /** Trains to the end, or until it is asked to stop; gives whether it is at its end. */
  async run(): Promise<boolean> {
    while (!this.progress.done) {
      if (await this.#epoch()) continue
      this.#save()
      return false
    }
    return true
  }

  async #epoch(): Promise<boolean> {
    const p = this.progress
    const { hooks, job, loader } = this.#context
    const { batch_size: batchSize, seed, epochs, accumulate, checkpoint_seconds: often } = job.recipe.training
    const resumed = performance.now()
    const started = resumed - p.epochSeconds * 1000
    const before = p.lossImages
    const order = shuffled([...this.#train.keys()], new Random(seed, p.epoch))
    const batches = Math.ceil(order.length / batchSize)
    const options = { startBatch: p.batch, reuse: true }
    for await (const batch of loader.batches(this.#train, order, batchSize, options)) {
      const last = p.batch + 1 === batches
      const boundary = last || (p.batch + 1) % accumulate === 0
      const loss = this.#step(batch, Math.min(accumulate, batches - (p.batch - (p.batch % accumulate))))
      if (boundary) this.#update(p.epoch + p.batch / batches)
      p.batch++
      if (loss !== null) {
        p.lossSum += loss * batch.indices.length
        p.lossImages += batch.indices.length
        const rate = (p.lossImages - before) / ((performance.now() - resumed) / 1000)
        hooks.post({
          ...{ kind: 'batch', epoch: p.epoch + 1, epochs, batch: p.batch, batches },
          loss: p.lossSum / p.lossImages,
          imagesPerSecond: rate,
          secondsLeft: Math.max(0, order.length - p.batch * batchSize) / rate,
        })
      }
      if (boundary) {
        p.epochSeconds = (performance.now() - started) / 1000
        if (hooks.stopped) return false
        if (!last && performance.now() - this.#savedAt >= often * 1000) this.#save()
      }
      // Lets messages out and the loader in: a step never yields by itself.
      await new Promise(setImmediate)
    }
    if (p.lossImages === 0) {
      throw new TrainingError(
        `None of ${order.length} training images could be compared: of every batch of ${batchSize} fewer than two could ` +
          `be read. ${[...loader.failures.values()][0] ?? 'Choose a larger training.batch_size.'}`,
      )
    }
    return this.#endEpoch((performance.now() - started) / 1000)
  }

  /** Forward and backward; gives the loss, or null for a batch with nothing to tell apart. */
  #step(batch: Batch, inGroup: number): number | null {
    if (batch.indices.length < 2) return null
    this.#context.model.train()
    const loss = scope(() => this.#loss(batch, this.progress.epoch + 1))
    try {
      const value = loss.item()
      if (!Number.isFinite(value)) throw new TrainingError(this.#runAway(`loss became ${value}`))
      const scaled = scope(() => (this.#scaler ? this.#scaler.scale(loss) : loss).div(inGroup))
      scaled.backward()
      scaled.dispose()
      return value
    } finally {
      loss.dispose()
    }
  }

  #loss(batch: Batch, key: number): Tensor {
    const { job, model, placement, precision } = this.#context
    const views = { pixels: this.#views.of(batch, key), indices: new Int32Array(2 * batch.indices.length) }
    const pixels = pixelsToTensor(views, job.recipe.data.size, model.settings, placement)
    const { dtype } = precision
    const embeddings =
      dtype === 'float32'
        ? this.#network.forward(pixels)
        : autocast({ device: placement.device.startsWith('cuda') ? 'cuda' : 'cpu', dtype }, () =>
            this.#network.forward(pixels),
          )
    return ntXent(embeddings.float(), this.#temperature)
  }

  #update(epochs: number): void {
    const p = this.progress
    const { training } = this.#context.job.recipe
    const rate = learningRateAt(training, epochs, p.plateauFactor)
    const { optimizer, shares } = this.#learning
    optimizer.groups.forEach(({ settings }, i) => (settings.lr = rate * shares[i]))
    const finite = this.#scaler?.unscale(optimizer) ?? true
    if (training.clip_norm !== null) optim.clipGradNorm_(optimizer.parameters, training.clip_norm)
    if (this.#scaler) this.#scaler.step(optimizer, finite)
    else optimizer.step()
    optimizer.zeroGrad()
    p.scaler = this.#scaler?.state ?? null
    p.updates++
  }

  /** Mean NT-Xent over the validation images; null where there are fewer than two, undefined where it was stopped. */
  async #validate(): Promise<number | null | undefined> {
    const { hooks, job, loader, model } = this.#context
    const order = [...this.#val.keys()]
    let [sum, count] = [0, 0]
    model.eval()
    // Batches of the size of training: the loss grows with the number of images that one is told from.
    for await (const batch of loader.batches(this.#val, order, job.recipe.training.batch_size, {
      reuse: true,
    })) {
      if (hooks.stopped) return undefined
      const n = batch.indices.length
      if (n < 2) continue
      sum += n * noGrad(() => scope(() => this.#loss(batch, VALIDATION).item()))
      count += n
      hooks.post({ kind: 'evaluating', split: 'val', done: count, total: order.length })
    }
    return count === 0 ? null : sum / count
  }

  async #endEpoch(seconds: number): Promise<boolean> {
    const p = this.progress
    const { folder, hooks, job } = this.#context
    const { epochs, early_stopping: patience } = job.recipe.training
    const valLoss = await this.#validate()
    // Stopped in the middle: the epoch's training is done, its validation is made again on resume.
    if (valLoss === undefined) return false
    if (Number.isNaN(valLoss)) throw new TrainingError(this.#runAway('validation loss is no number'))
    const best = valLoss !== null && (p.best === null || valLoss < p.best.value)
    p.epoch++
    if (best) p.best = { epoch: p.epoch, value: valLoss }
    p.waited = best ? 0 : p.waited + 1
    const newest = best || p.best === null
    if (newest) saveTensors(folder.bestCheckpoint, this.#network.stateDict(), { epoch: String(p.epoch) })
    const { learningRate } = this.#learning.optimizer
    p.plateauFactor = this.#plateau.step(valLoss)
    p.plateau = { ...this.#plateau.state }
    const row = this.#row(seconds, learningRate, valLoss)
    p.history.push(row)
    Object.assign(p, { batch: 0, lossSum: 0, lossImages: 0, epochSeconds: 0 })
    p.done = p.epoch >= epochs || (patience !== null && p.waited >= patience)
    await writeFileAtomic(folder.history, formatHistory(p.history))
    this.#save()
    const { train_loss: trainLoss } = row
    hooks.post({
      ...{ kind: 'epoch', epoch: p.epoch, epochs, seconds, trainLoss, valLoss, valAuc: null },
      ...{ best, learningRate },
    })
    if (p.done && p.epoch < epochs)
      hooks.post({ kind: 'note', text: `No better loss for ${p.waited} epochs: stopped early.` })
    return true
  }

  #row(seconds: number, learningRate: number, valLoss: number | null): HistoryRow {
    const { epoch, updates, lossImages, lossSum } = this.progress
    return {
      epoch,
      step: updates,
      seconds,
      images_per_second: lossImages / seconds,
      learning_rate: learningRate,
      train_loss: lossSum / lossImages,
      val_loss: valLoss,
      val_macro_auc: null,
      val_macro_average_precision: null,
    }
  }

  #save(): void {
    saveCheckpoint(
      this.#context.folder.lastCheckpoint,
      this.#network,
      this.#learning.optimizer,
      this.progress,
    )
    this.#savedAt = performance.now()
  }

  #runAway(what: string): string {
    return (
      `The contrastive ${what} in epoch ${this.progress.epoch + 1}: the weights have run away. A new run with a smaller ` +
      'training.optimizer.learning_rate, training.clip_norm=1 or training.precision=float32 for this stage usually helps.'
    )
  }
}
