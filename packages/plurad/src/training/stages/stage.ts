/** How a stage of a run is written: what a recipe's `stages` names, one after the other on one model. */
import type { z } from 'zod'
import type { ImageLoader } from '../../data/loader.js'
import type { Classifier } from '../../models/classifier.js'
import type { LabelStatistics, LabelVectors } from '../../models/head.js'
import type { StageFolder } from '../../run/stage-folder.js'
import type { Placement } from '../batches.js'
import type { HistoryRow } from '../history.js'
import type { TrainingJob } from '../job.js'
import type { Precision } from '../precision.js'
import type { TrainerHooks } from '../trainer.js'

/** What a stage works with. */
export interface StageContext {
  /** With the recipe of this stage. */
  job: TrainingJob
  /** The run's one model, with the weights that the stage before left. */
  model: Classifier
  loader: ImageLoader
  placement: Placement
  precision: Precision
  /** Where the stage keeps what it writes. */
  folder: StageFolder
  hooks: TrainerHooks
  /** Of the training split. */
  statistics: LabelStatistics
  vectors: LabelVectors | null
}

/** A file with what there is to know of it. */
export interface ImageNote {
  image: string
  reason: string
}

export interface Stage {
  /**
   * Works to its end, or until `hooks.stopped`; gives whether it is at its end. Goes on from what lies in its folder, and
   * where that is the end, does nothing. At its end the model holds the weights that it chose.
   */
  run(): Promise<boolean>
  /** Finished epochs. */
  readonly epochs: number
  /** The epoch whose weights are kept; null where there is no such thing. */
  readonly bestEpoch: number | null
  /** The epoch, from 1, that an interrupted stage goes on with; null for one that begins. */
  readonly resumesAt: number | null
  /** One row an epoch. */
  readonly history: readonly HistoryRow[]
  /** Images that could not be read, also before an interruption. */
  unreadable(): ImageNote[]
  /** What there is to know of images that could be read, also before an interruption. */
  warnings(): ImageNote[]
}

/** One kind of stage of the registry. */
export interface StageEntry {
  /** Who published it, where; for supervised training, what it is. */
  paper: string
  options: z.ZodObject
  make: (context: StageContext, options: unknown) => Stage
  /** Whether the stage can do its work, asked before the first stage begins. Throws `PluradError` where it cannot. */
  check?: (job: TrainingJob, options: unknown, model: Classifier) => void
}

export function defineStage<Options extends z.ZodObject>(entry: {
  paper: string
  options: Options
  make: (context: StageContext, options: z.infer<Options>) => Stage
  check?: (job: TrainingJob, options: z.infer<Options>, model: Classifier) => void
}): StageEntry {
  const { options, make, check } = entry
  return {
    ...entry,
    make: (context, raw) => make(context, options.parse(raw)),
    check: (job, raw, model) => check?.(job, options.parse(raw), model),
  }
}
