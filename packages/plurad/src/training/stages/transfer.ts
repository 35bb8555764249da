/** Transfer: the backbone learns on another data set first, whose labels may be others. */
import { existsSync, readFileSync } from 'node:fs'
import { scope } from '@plurad/torch'
import { z } from 'zod'
import type { Dataset, Sample, Split } from '../../data/dataset.js'
import { filesOf, sourceOf } from '../../data/source.js'
import { writeSplit } from '../../data/split-file.js'
import { DataError } from '../../errors.js'
import { writeFileAtomic } from '../../files.js'
import { Classifier } from '../../models/classifier.js'
import { freezeStages } from '../../models/parameter-groups.js'
import { labelStatistics } from '../../models/statistics.js'
import { readCheckpoint } from '../../models/weights/checkpoint.js'
import { fitCheckpoint } from '../../models/weights/fit.js'
import { fitReportLines } from '../../models/weights/report.js'
import type { HistoryRow } from '../history.js'
import type { SourceData } from '../job.js'
import { labelVectorsFor } from '../starting-weights.js'
import { Trainer } from '../trainer.js'
import { defineStage, type ImageNote, type Stage, type StageContext } from './stage.js'

export const transferOptions = z.strictObject({
  /** A data set, as --data takes it; null leaves the stage out. */
  source: z.string().min(1).nullable().default(null),
  /** How it is read: as data.set. */
  set: z.looseObject({ adapter: z.string().optional() }).nullable().default(null),
  /** Labels to learn there; null for all that it has. */
  labels: z.array(z.string().min(1)).nonempty().nullable().default(null),
})

export type TransferOptions = z.infer<typeof transferOptions>

/** Under which a job holds the data set of a stage. */
export function sourceKey({ source, set, labels }: TransferOptions): string {
  return JSON.stringify([source, set, labels])
}

class TransferStage implements Stage {
  readonly #context: StageContext
  /** Null where the stage is left out. */
  readonly #source: SourceData | null
  #trainer: Trainer | null = null
  readonly resumesAt: number | null

  constructor(context: StageContext, chosen: TransferOptions) {
    const { job, folder } = context
    this.#context = context
    this.#source = chosen.source === null ? null : (job.sources[sourceKey(chosen)] ?? null)
    if (chosen.source !== null && this.#source === null)
      throw new DataError(`The data set ${chosen.source} was not opened before training.`)
    this.resumesAt = existsSync(folder.lastCheckpoint) ? linesOf(folder.history) + 1 : null
  }

  async run(): Promise<boolean> {
    const { folder, model, hooks } = this.#context
    if (this.#source === null) {
      this.#note(
        'Left out    transfer: source is null. Name the other data set, such as by --set stages.0.source=FOLDER',
      )
      return true
    }
    const source = this.#withoutHeldOut(this.#source)
    const { dataset, labels, samples, assignment } = source
    const count = (split: Split): number => assignment.filter((each) => each === split).length
    this.#note(
      `Source      ${dataset.name}: ${count('train')} images to train on, ${count('val')} to validate, ${labels.length} labels`,
    )
    if (!existsSync(folder.file('split.csv'))) await writeSplit(folder.file('split.csv'), source, assignment)
    const second = await this.#modelFor(source)
    const { job, loader, placement, precision } = this.#context
    const resources = { model: second, loader, placement, precision }
    this.#trainer = new Trainer({ ...job, ...source }, resources, hooks, folder)
    const finished = await this.#trainer.run()
    if (!finished) return false
    const unreadable = this.#trainer.unreadable()
    if (unreadable.length > 0) {
      this.#note(
        `Skipped     ${unreadable.length} of ${samples.length} images of ${dataset.name}, the first: ${unreadable[0]?.reason}`,
      )
    }
    await handOver(folder.bestCheckpoint, labels, model, {
      file: folder.file('transfer.json'),
      note: (text) => this.#note(text),
    })
    for (const tensor of second.stateDict().values()) tensor.dispose()
    return true
  }

  /** A model for the source's labels, with the run's backbone as it is. */
  async #modelFor({ labels, samples, assignment }: SourceData): Promise<Classifier> {
    const { job, model, placement, hooks } = this.#context
    const trained = samples.filter((_, i) => assignment[i] === 'train').map((sample) => sample.labels)
    const statistics = labelStatistics(trained, labels.length)
    const vectors = await labelVectorsFor(job.recipe, labels, statistics, hooks)
    const second = new Classifier({ ...model.settings, labels, vectors: null }, { statistics, vectors })
    scope(() => second.backbone.loadStateDict(model.backbone.stateDict()))
    freezeStages(second, job.recipe.model.freeze)
    second.to({ device: placement.device })
    if (placement.channelsLast) second.to({ memoryFormat: 'channels_last' })
    return second
  }

  /** Images that the run validates or tests on are not learned from, also where they come with the other data set. */
  #withoutHeldOut(source: SourceData): SourceData {
    const { job } = this.#context
    const of = (sample: Pick<Sample, 'path' | 'also'>): readonly string[] => filesOf(sourceOf(sample))
    const judged = job.samples.filter((_, i) => job.assignment[i] !== 'train')
    this.#warnOfPatients(source, new Set(judged.map(({ patient }) => patient)))
    const heldOut = new Set(judged.flatMap(of))
    const kept = source.samples.map((sample) => !of(sample).some((file) => heldOut.has(file)))
    const left = kept.filter((keep) => !keep).length
    if (left === 0) return source
    this.#note(
      `Note        transfer: ${left} images of the source are ones that this run validates or tests on: left out`,
    )
    return {
      ...source,
      samples: source.samples.filter((_, i) => kept[i]),
      assignment: source.assignment.filter((_, i) => kept[i]),
    }
  }

  #warnOfPatients({ dataset, samples }: SourceData, judged: ReadonlySet<string | null>): void {
    const shared = new Set(
      samples.map(({ patient }) => patient).filter((patient) => patient !== null && judged.has(patient)),
    )
    if (shared.size === 0) return
    this.#note(
      `WARNING     ${shared.size} patients of ${dataset.name} have the identifiers of patients that this run validates or tests ` +
        'on. If the two sets number the same people, the figures will be too good.',
    )
  }

  #note(text: string): void {
    this.#context.hooks.post({ kind: 'note', text })
  }

  get epochs(): number {
    return this.#trainer?.epochs ?? 0
  }
  get bestEpoch(): number | null {
    return this.#trainer?.bestEpoch ?? null
  }
  get history(): readonly HistoryRow[] {
    return this.#trainer?.history ?? []
  }
  /** Of the run's own images, which this stage does not read. */
  unreadable(): ImageNote[] {
    return []
  }
  warnings(): ImageNote[] {
    return []
  }
}

/** Puts what fits into the run's model: the backbone, and the rows of the classifier whose labels have the same name. */
async function handOver(
  weights: string,
  labels: Dataset['labels'],
  model: Classifier,
  { file, note }: { file: string; note: (text: string) => void },
): Promise<void> {
  const checkpoint = readCheckpoint(weights)
  try {
    const report = fitCheckpoint(checkpoint, model, { labels })
    await writeFileAtomic(file, `${JSON.stringify(report, null, 2)}\n`)
    for (const text of fitReportLines(report)) note(text)
  } finally {
    checkpoint.tensors.close()
  }
}

function linesOf(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0
}

/**
 * Supervised training on another data set, with its labels and a head of their own; then the backbone goes over to the run's
 * model, and of the head what stands for labels of the same name. The recipe's `model.weights` come before, the run's own
 * data after: ImageNet, a public set of the domain, the own institution. The source is divided by data.split, as the run's
 * own data is; its test split is not used.
 */
export const transfer = defineStage({
  paper:
    'Hosseinzadeh Taher et al., A Systematic Benchmarking Analysis of Transfer Learning for Medical Image Analysis, 2021, ' +
    'arXiv:2108.05930',
  options: transferOptions,
  make: (context, chosen) => new TransferStage(context, chosen),
})
