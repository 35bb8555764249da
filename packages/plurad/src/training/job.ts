/** What travels between the command line and the engine's thread. Plain data only: it is copied. */
import type { Dataset, LabelValue, Sample, Split } from '../data/dataset.js'
import type { PackSource } from '../data/pack/open.js'
import type { Recipe } from '../recipe/schema.js'

/** What is trained on: labels may be probabilities, such as a teacher gives. */
export type TrainingSample = Omit<Sample, 'labels'> & { labels: readonly (number | null)[] }

/** Labels as there or not, for whatever counts: 1, 0, null for unknown. */
export function hardLabels({ labels }: Pick<TrainingSample, 'labels'>): LabelValue[] {
  return labels.map((value) => (value === null ? null : value >= 0.5 ? 1 : 0))
}

/** Another data set that a stage learns from, opened and divided. */
export interface SourceData {
  dataset: Pick<Dataset, 'name' | 'fingerprint'>
  labels: readonly string[]
  samples: readonly Sample[]
  /** One split a sample. */
  assignment: readonly Split[]
}

/** A training run, ready to go: checked recipe, opened data set, fixed split. */
export interface TrainingJob {
  folder: string
  recipe: Recipe
  labels: readonly string[]
  samples: readonly TrainingSample[]
  /** One split a sample. */
  assignment: readonly Split[]
  dataset: Pick<Dataset, 'name' | 'fingerprint'>
  /** Of the stages that learn from other data, by `sourceKey`. */
  sources: Readonly<Record<string, SourceData>>
  /** Where pixels are taken from instead of the files. */
  pack: PackSource | null
  /** A damaged image ends the run instead of being skipped. */
  strict: boolean
}

export type TrainingMessage =
  | {
      kind: 'started'
      device: string
      precision: string
      parameters: number
      threads: number
      engine: string
      resumedAt: number | null
    }
  | {
      kind: 'batch'
      epoch: number
      epochs: number
      batch: number
      batches: number
      loss: number
      imagesPerSecond: number
      secondsLeft: number
    }
  /** One of several stages begins; `index` from 1. */
  | { kind: 'stage'; index: number; count: number; name: string }
  | { kind: 'evaluating'; split: Split; done: number; total: number }
  | {
      kind: 'epoch'
      epoch: number
      epochs: number
      seconds: number
      trainLoss: number
      valLoss: number | null
      valAuc: number | null
      best: boolean
      learningRate: number
    }
  | { kind: 'note'; text: string }

export interface TrainingOutcome {
  /** Whether training ran to its end, or was stopped and can be resumed. */
  finished: boolean
  /** Finished epochs, and the one whose weights are kept. */
  epochs: number
  bestEpoch: number | null
  /** Images that could not be read, with the reason. */
  unreadable: { image: string; reason: string }[]
  /** Images that could be read, with what there is to know of them. */
  warnings: { image: string; reason: string }[]
}
