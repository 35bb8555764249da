/** Noisy Student: a model labels what is unknown, and one that has it harder learns from that. */
import { existsSync, readFileSync } from 'node:fs'
import { manualSeed, scope } from '@plurad/torch'
import { z } from 'zod'
import { hashOf } from '../../data/random.js'
import { RecipeError, RunError } from '../../errors.js'
import { makeFolder, writeFileAtomic } from '../../files.js'
import { evaluateMultilabel } from '../../metrics/index.js'
import { readPredictions, writePredictions } from '../../metrics/predictions.js'
import { Classifier } from '../../models/classifier.js'
import { STAGE_FOLDERS, StageFolder } from '../../run/stage-folder.js'
import { takesSoftTargets } from '../../losses/registry.js'
import { saveTensors } from '../checkpoint.js'
import { formatHistory, type HistoryRow } from '../history.js'
import type { TrainingSample } from '../job.js'
import { Objective } from '../objective.js'
import { predictSamples, unreadableOf, warningsOf, type PredictedSplit } from '../predictor.js'
import { startFrom } from '../starting-weights.js'
import { Trainer } from '../trainer.js'
import { noiseOptions, setNoise } from './noisy-student/noise.js'
import { fillUnknown, pseudoLabelOptions } from './noisy-student/pseudo-labels.js'
import { defineStage, type ImageNote, type Stage, type StageContext } from './stage.js'
import { loadWeights } from './weights.js'

const options = z.strictObject({
  /** Students, each the teacher of the next. */
  iterations: z.int().min(1).default(3),
  /** fresh: a student starts as the run did, by chance or from model.weights; teacher: from its teacher's weights. */
  student: z.enum(['fresh', 'teacher']).default('fresh'),
  ...pseudoLabelOptions,
  noise: z.strictObject(noiseOptions).prefault({}),
})

/** A student that is finished. */
interface Student {
  best_epoch: number | null
  /** The monitored value on the validation split. */
  value: number | null
  history: HistoryRow[]
}

interface State {
  /** Of the teacher that the stage began with. */
  teacher: number | null
  students: Student[]
}

class NoisyStudentStage implements Stage {
  readonly #context: StageContext
  readonly #options: z.infer<typeof options>
  readonly #train: readonly TrainingSample[]
  /** Null before the first teacher has been evaluated. */
  #state: State | null
  /** The student under way. */
  #trainer: Trainer | null = null
  /** Of what is kept; null before the end. */
  #kept: number | null = null
  readonly resumesAt: number | null

  constructor(context: StageContext, chosen: z.infer<typeof options>) {
    const { job, folder } = context
    this.#context = context
    this.#options = chosen
    this.#train = job.samples.filter((_, i) => job.assignment[i] === 'train')
    this.#state = readState(this.#stateFile)
    this.resumesAt = existsSync(folder.file(TEACHER)) ? this.epochs + 1 : null
  }

  async run(): Promise<boolean> {
    const { folder, model } = this.#context
    const { noise } = this.#options
    const resumed = existsSync(folder.file(TEACHER))
    if (!resumed) saveTensors(folder.file(TEACHER), model.stateDict(), {})
    const { notes, restore } = setNoise(model, noise)
    for (const text of notes) this.#note(`Note        noisy_student: ${text}`)
    try {
      return await this.#iterate()
    } finally {
      // The stages after this one have the model's own noise.
      restore()
    }
  }

  async #iterate(): Promise<boolean> {
    const { hooks } = this.#context
    if (this.#state === null) {
      const teacher = await this.#evaluate()
      if (teacher === undefined) return false
      await this.#write({ teacher, students: [] })
      this.#note(`Teacher     ${this.#describe(teacher)}`)
    }
    while (this.#students.length < this.#options.iterations) {
      if (hooks.stopped || !(await this.#teach(this.#students.length + 1))) return false
    }
    this.#choose()
    return true
  }

  /** Makes one student; gives whether it is finished. */
  async #teach(iteration: number): Promise<boolean> {
    const { folder, model, job, loader, placement, precision, hooks } = this.#context
    const own = new StageFolder(folder.file(`student-${iteration}`))
    for (const name of STAGE_FOLDERS) makeFolder(own.file(name))
    loadWeights(this.#weightsOf(iteration - 1), model)
    const samples = await this.#pseudoLabelled(own)
    if (samples === null) return false
    manualSeed(hashOf(job.recipe.training.seed, iteration))
    if (this.#options.student === 'fresh' && !existsSync(own.lastCheckpoint)) await this.#startAnew()
    this.#note(`Student     ${iteration} of ${this.#options.iterations}`)
    this.#trainer = new Trainer({ ...job, samples }, { model, loader, placement, precision }, hooks, own)
    if (!(await this.#trainer.run())) return false
    loadWeights(own.bestCheckpoint, model)
    const value = await this.#evaluate()
    if (value === undefined) return false
    const { bestEpoch, history } = this.#trainer
    this.#trainer = null
    const student = { best_epoch: bestEpoch, value, history: [...history] }
    await this.#write({ teacher: this.#state?.teacher ?? null, students: [...this.#students, student] })
    this.#note(`Student     ${iteration}: ${this.#describe(value)}`)
    return true
  }

  /** The run's samples with the teacher's labels; null where it was stopped. */
  async #pseudoLabelled(own: StageFolder): Promise<TrainingSample[] | null> {
    const { job } = this.#context
    const file = own.file('pseudo-labels.csv')
    const open = this.#train.filter(({ labels }) => labels.includes(null))
    if (!existsSync(file)) {
      const { predictions, complete } = await this.#predict(open, 'train')
      if (!complete) return null
      await writePredictions(file, predictions)
    }
    const { images, scores } = await readPredictions(file)
    const rows = new Map(images.map((image, row) => [image, row]))
    const count = job.labels.length
    const scoresOf = this.#train.map(({ image }) => {
      const row = rows.get(image)
      return row === undefined ? null : scores.subarray(row * count, (row + 1) * count)
    })
    const filled = fillUnknown(this.#train, scoresOf, this.#options)
    const { unknown, present, absent } = filled
    const { targets, confidence } = this.#options
    const how =
      targets === 'soft'
        ? `as probabilities, ${present} of them at least ${confidence.high}`
        : `${present} as present and ${absent} as absent`
    this.#note(
      `Pseudo      ${present + absent} of ${unknown} unknown labels of ${open.length} images filled in ${how}`,
    )
    const byImage = new Map(filled.samples.map((sample) => [sample.image, sample]))
    return job.samples.map((sample) => byImage.get(sample.image) ?? sample)
  }

  /** The model as the run began it: weights by chance, or those of the recipe. */
  async #startAnew(): Promise<void> {
    const { job, model, folder, hooks, statistics, vectors } = this.#context
    const fresh = new Classifier(model.settings, { statistics, vectors })
    const { weights } = job.recipe.model
    const quiet = {
      post: () => undefined,
      get stopped() {
        return hooks.stopped
      },
    }
    if (weights !== null) await startFrom(weights, fresh, folder, quiet)
    scope(() => model.loadStateDict(fresh.stateDict()))
    for (const tensor of fresh.stateDict().values()) tensor.dispose()
  }

  /** The monitored value on the validation split; undefined where it was stopped. */
  async #evaluate(): Promise<number | null | undefined> {
    const { job } = this.#context
    const val = job.samples.filter((_, i) => job.assignment[i] === 'val')
    const { predictions, loss, complete } = await this.#predict(val, 'val')
    if (!complete) return undefined
    const { macro } = evaluateMultilabel(predictions)
    const { monitor } = job.recipe.training
    return monitor === 'loss' ? loss : monitor === 'macro_auc' ? macro.auc : macro.average_precision
  }

  async #predict(samples: readonly TrainingSample[], split: 'train' | 'val'): Promise<PredictedSplit> {
    const { job, model, loader, placement, hooks, statistics } = this.#context
    const { loss } = new Objective(job.recipe.loss, { labels: job.labels, statistics })
    return predictSamples(model, loader, samples, {
      size: job.recipe.data.size,
      batchSize: job.recipe.evaluation.batch_size,
      placement,
      ...(split === 'val' ? { loss } : {}),
      onBatch: (done, total) => hooks.post({ kind: 'evaluating', split, done, total }),
      stopped: () => hooks.stopped,
    })
  }

  /** The best by the monitored value, the first teacher among them; of equal ones the latest. */
  #choose(): void {
    const values = [this.#state?.teacher ?? null, ...this.#students.map(({ value }) => value)]
    const sign = this.#context.job.recipe.training.monitor === 'loss' ? -1 : 1
    const rank = (value: number | null): number => (value === null ? -Infinity : sign * value)
    this.#kept = values.reduce<number>(
      (best, value, at) => (rank(value) >= rank(values[best]) ? at : best),
      0,
    )
    loadWeights(this.#weightsOf(this.#kept), this.#context.model)
    this.#note(
      this.#kept === 0
        ? 'Kept        the teacher: no student was better on the validation split'
        : `Kept        student ${this.#kept}: ${this.#describe(values[this.#kept])}`,
    )
  }

  /** @param iteration 0 for the first teacher */
  #weightsOf(iteration: number): string {
    const { folder } = this.#context
    return iteration === 0
      ? folder.file(TEACHER)
      : new StageFolder(folder.file(`student-${iteration}`)).bestCheckpoint
  }

  #describe(value: number | null): string {
    return `${this.#context.job.recipe.training.monitor} ${value?.toFixed(4) ?? 'unknown'} on the validation split`
  }

  #note(text: string): void {
    this.#context.hooks.post({ kind: 'note', text })
  }

  async #write(state: State): Promise<void> {
    this.#state = state
    await writeFileAtomic(this.#stateFile, `${JSON.stringify(state, null, 2)}\n`)
    await writeFileAtomic(this.#context.folder.history, formatHistory(this.history))
  }

  get #stateFile(): string {
    return this.#context.folder.file('students.json')
  }
  get #students(): readonly Student[] {
    return this.#state?.students ?? []
  }

  get epochs(): number {
    return this.history.length
  }
  /** Counted over all students. */
  get bestEpoch(): number | null {
    if (this.#kept === null || this.#kept === 0) return null
    const { best_epoch: best } = this.#students[this.#kept - 1]
    const before = this.#students.slice(0, this.#kept - 1)
    return best === null ? null : best + before.reduce((sum, { history }) => sum + history.length, 0)
  }
  /** Epochs are counted on from student to student. */
  get history(): readonly HistoryRow[] {
    const rows = [...this.#students.flatMap(({ history }) => history), ...(this.#trainer?.history ?? [])]
    return rows.map((row, at) => ({ ...row, epoch: at + 1 }))
  }
  unreadable(): ImageNote[] {
    return this.#trainer?.unreadable() ?? unreadableOf(this.#context.job.samples, this.#context.loader)
  }
  warnings(): ImageNote[] {
    return this.#trainer?.warnings() ?? warningsOf(this.#context.job.samples, this.#context.loader)
  }
}

/** The weights that the stage began with. */
const TEACHER = 'teacher.safetensors'

function readState(file: string): State | null {
  if (!existsSync(file)) return null
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as State
  } catch (error) {
    throw new RunError(
      `${file} is damaged: ${(error as Error).message}. Bring it back from a copy, or delete it to begin the stage again.`,
      { cause: error },
    )
  }
}

/**
 * The model as the stage before left it is the first teacher. It gives probabilities for every unknown label of the training
 * split, without augmentation; a student with augmentation, dropout and stochastic depth learns from these and from the known
 * labels, and is the teacher of the next. What is kept is the best of all, the first teacher included, by training.monitor.
 */
export const noisyStudent = defineStage({
  paper:
    'Xie et al., Self-training with Noisy Student improves ImageNet classification, CVPR 2020, arXiv:1911.04252',
  options,
  check({ samples, assignment, recipe }, { targets }, model) {
    const { name } = recipe.loss
    if (targets === 'soft' && !takesSoftTargets(name)) {
      throw new RecipeError(
        `noisy_student: the loss ${name} knows labels as present or absent, and a teacher gives probabilities. Use ` +
          'targets=hard for this stage.',
      )
    }
    if (targets === 'soft' && model.head.wantsKnown) {
      throw new RecipeError(
        `noisy_student: the head ${model.settings.head.name} is shown some labels while it learns, which have to be present ` +
          'or absent. Use targets=hard for this stage.',
      )
    }
    if (samples.some(({ labels }, i) => assignment[i] === 'train' && labels.includes(null))) return
    throw new RecipeError(
      'noisy_student: every label of every training image is known, so there is nothing for a teacher to fill in. It is for ' +
        'images that nobody labelled, uncertain labels (data.set.policy=u-selftrained) or few of them (data.labelled).',
    )
  },
  make: (context, chosen) => new NoisyStudentStage(context, chosen),
})
