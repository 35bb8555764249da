/** Where the stage stands, and what it tells of its rounds. */
import { existsSync } from 'node:fs'
import { loadSafetensors, scope, type Tensor } from '@plurad/torch'
import { RunError } from '../../../errors.js'
import type { Classifier } from '../../../models/classifier.js'
import { saveTensors } from '../../checkpoint.js'
import type { HistoryRow } from '../../history.js'
import type { ImageNote } from '../stage.js'
import type { FitOutcome } from './fit-classifier.js'
import type { GaussianStatistics } from './gaussian-statistics.js'
import type { Figures } from './judge.js'
import type { LabelSampler } from './reverse-sampling.js'
import type { LabelGaussians } from './virtual-features.js'

/** After what weights were judged: as the stage before left them, after an M-step, after an E-step. */
export type Step = 'start' | 'classifier' | 'network'

/** One round in `rounds.json`. */
export interface Round {
  round: number
  statistics: {
    /** Training images with, and without, each label. */
    positives: number[]
    negatives: number[]
    /** Labels seen once, which share the covariance of the other value, and those that have no virtual features. */
    pooled: string[]
    left_out: string[]
  }
  classifier: {
    /** Share of the virtual images with each label: as the mode says, and as drawn. */
    rates: (number | null)[]
    realised_rates: (number | null)[]
    loss: [number, number]
    row_norms: { before: number[]; after: number[] }
    validation: Figures
  }
  /** Null until its turn is over. */
  network: { epochs: number; train_loss: number | null; validation: Figures } | null
}

export interface Progress {
  /** Under way, from 1; 0 before the first. */
  round: number
  phase: 'judge' | 'statistics' | 'classifier' | 'network' | 'done'
  /** Batches of the statistics that are done. */
  batch: number
  best: { round: number; step: Step; epoch: number; value: number | null }
  /** Rounds since the best one. */
  waited: number
  /** Row norms of the classifier that the stage began with. */
  norms: number[]
  start: Figures | null
  rounds: Round[]
  history: HistoryRow[]
  unreadable: ImageNote[]
  warnings: ImageNote[]
}

export const atTheStart = (norms: number[]): Progress => ({
  round: 0,
  phase: 'judge',
  batch: 0,
  best: { round: 0, step: 'start', epoch: 0, value: null },
  waited: 0,
  norms,
  start: null,
  rounds: [],
  history: [],
  unreadable: [],
  warnings: [],
})

const STATISTICS = 'statistics.'

export function saveProgress(
  file: string,
  model: Classifier,
  progress: Progress,
  statistics: GaussianStatistics | null,
): void {
  scope(() => {
    const tensors = new Map<string, Tensor>()
    for (const [key, tensor] of model.stateDict()) tensors.set(`model.${key}`, tensor)
    for (const [key, tensor] of statistics?.stateDict() ?? []) tensors.set(STATISTICS + key, tensor)
    saveTensors(file, tensors, { progress: JSON.stringify(progress) })
  })
}

/**
 * Puts the model back and gives the progress, with what was gathered of the statistics; null where there is no file.
 *
 * @param makeStatistics empty ones, for what was gathered
 */
export function loadProgress(
  file: string,
  model: Classifier,
  makeStatistics: () => GaussianStatistics,
): { progress: Progress; statistics: GaussianStatistics | null } | null {
  if (!existsSync(file)) return null
  return scope(() => {
    try {
      const { tensors, metadata } = loadSafetensors(file)
      const part = (prefix: string): Map<string, Tensor> =>
        new Map(
          [...tensors].flatMap(([key, tensor]) =>
            key.startsWith(prefix) ? [[key.slice(prefix.length), tensor] as const] : [],
          ),
        )
      const progress = JSON.parse(metadata['progress'] ?? '') as Progress
      model.loadStateDict(part('model.'))
      const gathered = part(STATISTICS)
      const statistics = gathered.size === 0 ? null : makeStatistics()
      statistics?.loadStateDict(gathered)
      return { progress, statistics }
    } catch (error) {
      throw new RunError(
        `The checkpoint ${file} is damaged: ${(error as Error).message}. Bring it back from a copy, or delete it to begin ` +
          'this stage anew.',
        { cause: error },
      )
    }
  })
}

/** What there is to tell of an M-step. */
export function classifierRecord(
  labels: readonly string[],
  statistics: GaussianStatistics,
  { pooled, drawable }: LabelGaussians,
  { rates }: LabelSampler,
  fit: FitOutcome,
  norms: { before: number[]; after: number[] },
  validation: Figures,
): Pick<Round, 'statistics' | 'classifier'> {
  const counts = (value: 0 | 1): number[] => labels.map((_, label) => statistics.count(value, label))
  return {
    statistics: {
      positives: counts(1),
      negatives: counts(0),
      pooled: pooled.map((label) => labels[label]),
      left_out: labels.filter((_, label) => !drawable[label]),
    },
    classifier: {
      rates: rates.map((rate) => (Number.isNaN(rate) ? null : rate)),
      realised_rates: fit.rates,
      loss: [fit.lossAtStart, fit.lossAtEnd],
      row_norms: norms,
      validation,
    },
  }
}

/** `rounds.json` */
export function formatRounds(
  preface: { labels: readonly string[]; monitor: string; options: unknown },
  { start, rounds, best }: Progress,
): string {
  return `${JSON.stringify({ ...preface, start: { validation: start }, rounds, kept: best }, null, 2)}\n`
}

/** `classifier-norms.json` of the run: the paper's figure 5. */
export function formatNorms(norms: {
  labels: readonly string[]
  /** L2 norm of each label's row before the stage, and in the weights that it kept. */
  before: number[]
  after: number[]
  /** Training images with each label. */
  frequency: readonly number[]
}): string {
  return `${JSON.stringify(norms, null, 2)}\n`
}
