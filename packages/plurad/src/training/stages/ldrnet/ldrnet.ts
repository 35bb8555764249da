/**
 * LDRNet's second stage, label reconstruction (Huang et al., 2024): rounds of expectation and maximisation on a trained model.
 * Each round gathers normal distributions of the class-aware features of the training images; the classifier learns by BCE
 * from features that are drawn from them with rare labels in front (M-step); then, with the classifier still, the rest of
 * the network learns from the images by generalised cross-entropy (E-step). The paper's loss of the E-step is of virtual
 * features, which carry no gradient to what it trains: here it is of real images. The weights kept are the best on the
 * validation split, those that the stage began with included.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { loadSafetensors, scope } from '@plurad/torch'
import { hashOf } from '../../../data/random.js'
import { RunError, TrainingError } from '../../../errors.js'
import { writeFileAtomic } from '../../../files.js'
import { makeLoss } from '../../../losses/registry.js'
import { rowNorms, rowsOf } from '../../../models/classifier-rows.js'
import type { ClassifierRows } from '../../../models/head.js'
import { saveTensors } from '../../checkpoint.js'
import { formatHistory, type HistoryRow } from '../../history.js'
import { hardLabels, type TrainingSample } from '../../job.js'
import { unreadableOf, warningsOf } from '../../predictor.js'
import type { Trainer } from '../../trainer.js'
import { defineStage, type ImageNote, type Stage, type StageContext } from '../stage.js'
import { checkModel, WHO } from './class-features.js'
import { expectation, folderOf } from './expectation.js'
import { fitClassifier } from './fit-classifier.js'
import { gatherStatistics } from './gather-statistics.js'
import { GaussianStatistics } from './gaussian-statistics.js'
import { isBetter, judge, type Figures, type Monitor } from './judge.js'
import { keptNote, roundNote, samplingNotes } from './notes.js'
import { optionsSchema, type Options } from './options.js'
import {
  atTheStart,
  classifierRecord,
  formatNorms,
  formatRounds,
  loadProgress,
  saveProgress,
  type Progress,
  type Step,
} from './progress.js'
import { LabelSampler } from './reverse-sampling.js'
import { LabelGaussians } from './virtual-features.js'

/** Keeps the random numbers of M-steps apart. */
const M_STEP = 0x6d73

class LdrNetStage implements Stage {
  readonly resumesAt: number | null
  readonly #context: StageContext
  readonly #options: Options
  readonly #rows: ClassifierRows
  readonly #train: readonly TrainingSample[]
  readonly #val: readonly TrainingSample[]
  readonly #monitor: Monitor
  readonly #progress: Progress
  #statistics: GaussianStatistics | null = null
  /** Of the E-step under way. */
  #trainer: Trainer | null = null
  #savedAt = performance.now()

  constructor(context: StageContext, options: Options) {
    const { job, model, folder } = context
    this.#context = context
    this.#options = options
    this.#rows = rowsOf(model, WHO, 'matter')
    const of = (split: string): TrainingSample[] => job.samples.filter((_, i) => job.assignment[i] === split)
    this.#train = of('train').map((sample) => ({ ...sample, labels: hardLabels(sample) }))
    this.#val = of('val')
    this.#monitor = job.recipe.training.monitor
    const loaded = loadProgress(folder.lastCheckpoint, model, () => this.#emptyStatistics())
    this.#progress = loaded?.progress ?? atTheStart(rowNorms(this.#rows))
    this.#statistics = loaded?.statistics ?? null
    this.resumesAt = loaded === null ? null : this.epochs + 1
  }

  async run(): Promise<boolean> {
    while (this.#progress.phase !== 'done') {
      if (!(await this.#phase())) return false
    }
    await this.#finish()
    return true
  }

  /** Does what comes next; gives whether it is at its end. */
  #phase(): Promise<boolean> {
    switch (this.#progress.phase) {
      case 'judge':
        return this.#judgeStart()
      case 'statistics':
        return this.#gather()
      case 'classifier':
        return this.#maximise()
      default:
        return this.#expect()
    }
  }

  async #judgeStart(): Promise<boolean> {
    const figures = await this.#judge()
    if (figures === null) return false
    this.#progress.start = figures
    this.#consider('start', 0, figures)
    this.#endRound()
    await this.#save()
    return true
  }

  /** Distributions of the features that this round's network gives of the training images. */
  async #gather(): Promise<boolean> {
    const { job, model, loader, placement, hooks } = this.#context
    const p = this.#progress
    this.#statistics ??= this.#emptyStatistics()
    const complete = await gatherStatistics(model, loader, this.#train, this.#statistics, {
      size: job.recipe.data.size,
      batchSize: job.recipe.evaluation.batch_size,
      placement,
      startBatch: p.batch,
      onBatch: (batches, done) => {
        p.batch = batches
        hooks.post({ kind: 'evaluating', split: 'train', done, total: this.#train.length })
        if (hooks.stopped) return true
        const due = performance.now() - this.#savedAt >= job.recipe.training.checkpoint_seconds * 1000
        if (due) this.#checkpoint()
        return false
      },
    })
    if (complete) Object.assign(p, { phase: 'classifier', batch: 0 })
    await this.#save()
    return complete
  }

  /** M-step: the classifier alone learns, from features that are drawn. */
  async #maximise(): Promise<boolean> {
    const { job, placement, hooks, statistics: counts } = this.#context
    const { labels, recipe } = job
    const { sampling: mode, alpha, target, floor, epsilon, prior } = this.#options
    const { optimizer, seed } = recipe.training
    const p = this.#progress
    const statistics = this.#statistics ?? this.#emptyStatistics()
    const gaussians = new LabelGaussians(statistics, epsilon, placement.device)
    if (!gaussians.drawable.includes(true)) {
      throw new TrainingError(
        'The stage ldrnet needs labels that some training images have and others have not; here no label is so.',
      )
    }
    const sampler = new LabelSampler(counts, { mode, alpha, target, floor }, gaussians.drawable)
    if (p.round === 1) samplingNotes(labels, sampler.rates, mode, gaussians.pooled).forEach(this.#note)
    const normsBefore = rowNorms(this.#rows)
    const fit = await fitClassifier(
      this.#rows,
      gaussians,
      sampler,
      makeLoss({ name: 'bce' }, { labels, statistics: counts }),
      {
        steps: this.#options.m_steps,
        batch: this.#options.m_batch,
        learningRate: this.#options.m_learning_rate ?? optimizer.learning_rate,
        weightDecay: optimizer.weight_decay,
        decoupled: optimizer.name === 'adamw',
        offsets: prior === 'real' ? sampler.offsets(counts.positives, counts.known) : null,
      },
      hashOf(M_STEP, seed, p.round),
      () => hooks.stopped,
    )
    gaussians.dispose()
    if (fit === null) return false
    const figures = await this.#judge()
    if (figures === null) return false
    const better = this.#consider('classifier', 0, figures)
    const norms = { before: normsBefore, after: rowNorms(this.#rows) }
    // Made again after an interruption, it takes the place of the first.
    p.rounds[p.round - 1] = {
      round: p.round,
      ...classifierRecord(labels, statistics, gaussians, sampler, fit, norms, figures),
      network: null,
    }
    const before = `loss ${fit.lossAtStart.toFixed(4)} -> ${fit.lossAtEnd.toFixed(4)}  `
    this.#noteRound('classifier', figures, better, before)
    statistics.dispose()
    this.#statistics = null
    if (this.#options.e_epochs === 0) this.#endRound()
    else p.phase = 'network'
    await this.#save()
    return true
  }

  /** E-step: everything but the classifier learns, from images. */
  async #expect(): Promise<boolean> {
    const { model } = this.#context
    const { e_epochs: epochs, rounds, q } = this.#options
    const p = this.#progress
    const own = folderOf(this.#context, p.round)
    this.#hold(true)
    this.#trainer = expectation(this.#context, {
      round: p.round,
      rounds,
      epochs,
      q,
      behind: p.history.length,
    })
    if (!(await this.#trainer.run())) return false
    scope(() => model.loadStateDict(readWeights(own.bestCheckpoint)))
    const figures = await this.#judge()
    if (figures === null) return false
    const better = this.#consider('network', this.#trainer.bestEpoch ?? epochs, figures)
    const trainLoss = this.#trainer.history.at(-1)?.train_loss ?? null
    p.rounds[p.round - 1].network = { epochs, train_loss: trainLoss, validation: figures }
    p.history = [...this.history]
    this.#trainer = null
    this.#hold(false)
    this.#noteRound('network', figures, better)
    this.#endRound()
    await this.#save()
    rmSync(own.file('checkpoints'), { recursive: true, force: true })
    return true
  }

  #endRound(): void {
    const p = this.#progress
    const { rounds, patience } = this.#options
    p.waited = p.best.round === p.round ? 0 : p.waited + 1
    const early = patience !== null && p.waited >= patience && p.round < rounds
    if (early) this.#note(`No better ${this.#monitor} for ${p.waited} rounds: stopped early.`)
    p.phase = early || p.round >= rounds ? 'done' : 'statistics'
    if (p.phase !== 'done') p.round++
  }

  /** Hands on the best weights, and says what became of the classifier. */
  async #finish(): Promise<void> {
    const { job, model, folder, statistics } = this.#context
    const { norms: before, best } = this.#progress
    scope(() => model.loadStateDict(readWeights(folder.bestCheckpoint)))
    const after = rowNorms(this.#rows)
    const norms = formatNorms({ labels: job.labels, before, after, frequency: statistics.positives })
    await writeFileAtomic(join(job.folder, 'classifier-norms.json'), norms)
    this.#note(keptNote(best, before, after))
  }

  #judge(): Promise<Figures | null> {
    const { labels, recipe } = this.#context.job
    const { statistics } = this.#context
    return judge(this.#context, this.#val, makeLoss(recipe.loss, { labels, statistics }))
  }

  /** Keeps the model's weights where they are the best so far; gives whether they are. */
  #consider(step: Step, epoch: number, figures: Figures): boolean {
    const { folder, model } = this.#context
    const p = this.#progress
    const value = figures[this.#monitor]
    const better = step === 'start' || isBetter(value, p.best.value, this.#monitor)
    if (better) {
      p.best = { round: p.round, step, epoch: p.history.length + epoch, value }
      saveTensors(folder.bestCheckpoint, model.stateDict(), { round: String(p.round), step })
    }
    return better
  }

  #noteRound(step: Step, figures: Figures, better: boolean, before = ''): void {
    const place = `${this.#progress.round}/${this.#options.rounds}`
    this.#note(roundNote(place, step, figures, { monitor: this.#monitor, better, before }))
  }

  readonly #note = (text: string): void => this.#context.hooks.post({ kind: 'note', text })

  /** The classifier holds still in E-steps; what `model.freeze` froze always does. */
  #hold(still: boolean): void {
    this.#rows.weight.requiresGrad_(!still)
    this.#rows.bias?.requiresGrad_(!still)
  }

  #emptyStatistics(): GaussianStatistics {
    const [labels, width] = this.#rows.weight.flatten(1).shape
    return new GaussianStatistics(labels, width, this.#options.covariance)
  }

  async #save(): Promise<void> {
    const { job, folder } = this.#context
    this.#checkpoint()
    const preface = { labels: job.labels, monitor: this.#monitor, options: this.#options }
    await writeFileAtomic(folder.file('rounds.json'), formatRounds(preface, this.#progress))
    await writeFileAtomic(folder.history, formatHistory(this.#progress.history))
  }

  #checkpoint(): void {
    const { folder, model } = this.#context
    this.#progress.unreadable = this.unreadable()
    this.#progress.warnings = this.warnings()
    saveProgress(folder.lastCheckpoint, model, this.#progress, this.#statistics)
    this.#savedAt = performance.now()
  }

  get epochs(): number {
    return this.history.length
  }

  get bestEpoch(): number | null {
    const { epoch } = this.#progress.best
    return epoch > 0 ? epoch : null
  }

  get history(): readonly HistoryRow[] {
    const { history } = this.#progress
    const updates = history.at(-1)?.step ?? 0
    const own = this.#trainer?.history ?? []
    return [
      ...history,
      ...own.map((row) => ({ ...row, epoch: history.length + row.epoch, step: updates + row.step })),
    ]
  }

  unreadable(): ImageNote[] {
    const { job, loader } = this.#context
    return merged(this.#progress.unreadable, unreadableOf(job.samples, loader))
  }

  warnings(): ImageNote[] {
    const { job, loader } = this.#context
    return merged(this.#progress.warnings, warningsOf(job.samples, loader))
  }
}

/** Of several notes of one image the latest. */
function merged(...notes: readonly (readonly ImageNote[])[]): ImageNote[] {
  return [...new Map(notes.flat().map((note) => [note.image, note])).values()]
}

function readWeights(file: string): ReturnType<typeof loadSafetensors>['tensors'] {
  try {
    return loadSafetensors(file).tensors
  } catch (error) {
    throw new RunError(
      `The weights ${file} cannot be read: ${(error as Error).message}. Start the run again in another folder to make them ` +
        'anew.',
      { cause: error },
    )
  }
}

export const ldrnet = defineStage({
  paper: 'Huang et al., LDRNet: label decoupling and reconstruction, 2024 (its second stage)',
  options: optionsSchema,
  make: (context, options) => new LdrNetStage(context, options),
  check: checkModel,
})
