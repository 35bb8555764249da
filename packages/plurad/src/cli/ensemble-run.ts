/** An ensemble as a folder that reads like a run: combined predictions, metrics, and of what it is made. */
import { join } from 'node:path'
import { UsageError } from '../errors.js'
import { makeFolder, writeFileAtomic } from '../files.js'
import {
  alignPredictions,
  combinePredictions,
  ensembleWeights,
  evaluateMultilabel,
  maxF1Thresholds,
  type EnsembleMethod,
  type EnsembleWeights,
} from '../metrics/index.js'
import { applyCalibration, type CalibrationMethod } from '../metrics/calibration/index.js'
import { judge, type BootstrapChoice, type Judgement } from '../metrics/judge.js'
import { writePredictions, type Predictions } from '../metrics/predictions.js'
import { splitByPatient } from '../metrics/select.js'
import type { RunFolder } from '../run/folder.js'
import { readSavedPredictions, readValidation } from './prediction-files.js'

export interface EnsembleWork {
  folder: RunFolder
  /** Run folders, or files of predictions, of the same images. */
  members: readonly string[]
  /** What `ensemble.json` calls them; left out: `members` as they are. */
  named?: readonly string[]
  method: EnsembleMethod
  /** Label names of files that have none, with commas between. */
  labels?: string | undefined
  bootstrap: BootstrapChoice | null
  /** One threshold for all labels; left out: by best F1 on validation. */
  threshold?: number | undefined
  /** Fitted on validation; left out for none. */
  calibration?: CalibrationMethod | undefined
  /** Positive training images of each label, for the groups; left out where they are not known. */
  trainingCounts?: readonly number[] | null
  /** Fit on some of the patients and judge the others, instead of on validation predictions. */
  holdout?: Holdout | null
  onProgress?: (done: number, of: number) => void
}

export interface Holdout {
  /** Of the patients, in (0, 1). */
  share: number
  seed: number
}

export interface EnsembleOutcome {
  metrics: Judgement['metrics']
  weights: EnsembleWeights | null
}

/** Throws `UsageError` where weights are wanted and a member has no validation predictions. */
export async function writeEnsemble(work: EnsembleWork): Promise<EnsembleOutcome> {
  const { folder, members, named = members, method, labels, bootstrap, holdout = null, onProgress } = work
  const { threshold, calibration = null, trainingCounts = null } = work
  const { test, val, weights } = await combine(members, method, labels, holdout)
  const judgement = judge(
    {
      predictions: test,
      thresholds: null,
      validation: val,
      trainingCounts,
      point: threshold === undefined ? null : { rule: 'fixed', threshold },
      calibration,
      bootstrap,
    },
    onProgress,
  )
  const { metrics, thresholds, calibration: fitted } = judgement
  makeFolder(join(folder.root, 'predictions'))
  await writePredictions(folder.predictions('test'), test)
  if (val !== null) await writePredictions(folder.predictions('val'), val)
  const calibrated = val === null || fitted === null ? val : applyCalibration(fitted, val)
  const validated = calibrated === null ? null : evaluateMultilabel(calibrated, thresholds ?? undefined)
  await writeJson(folder.metrics, { best_epoch: null, val: validated, test: metrics })
  await writeJson(folder.ensemble, {
    ...{ method, members: named, labels: test.labels, weights },
    ...(holdout === null ? {} : { holdout }),
  })
  return { metrics, weights }
}

interface Combined {
  test: Predictions
  /** Null where a member has none. */
  val: Predictions | null
  weights: EnsembleWeights | null
}

async function combine(
  locations: readonly string[],
  method: EnsembleMethod,
  labels: string | undefined,
  holdout: Holdout | null,
): Promise<Combined> {
  const read = await Promise.all(locations.map((member) => readSavedPredictions(member, 'test', labels)))
  const all = alignPredictions(read, locations)
  const parts = holdout === null ? null : all.map((one) => splitByPatient(one, holdout.share, holdout.seed))
  const val = parts?.map(([fitted]) => fitted) ?? (await validationOf(locations, method))
  const test = parts?.map(([, judged]) => judged) ?? all
  const weights = method === 'weighted' && val !== null ? ensembleWeights(val) : null
  const thresholds = method === 'vote' && val !== null ? val.map(maxF1Thresholds) : null
  const together = (members: readonly Predictions[]): Predictions =>
    combinePredictions(members, method, { weights, thresholds })
  return { test: together(test), val: val === null ? null : together(val), weights }
}

/** The members' validation predictions; null where one has none, which only methods that fit nothing can do without. */
async function validationOf(
  locations: readonly string[],
  method: EnsembleMethod,
): Promise<Predictions[] | null> {
  const validations = await Promise.all(locations.map(readValidation))
  const found = validations.filter((predictions) => predictions !== null)
  const without = locations.filter((_, i) => validations[i] === null)
  if (without.length === 0) return alignPredictions(found, locations)
  if (method !== 'weighted' && method !== 'vote') return null
  const what = method === 'weighted' ? 'weights' : 'thresholds'
  throw new UsageError(
    `ensemble: --method ${method} fits ${what} on validation predictions, which ${without[0]} has not: name run folders, ` +
      'fit on some of the patients with --holdout 0.5, or take --method mean',
  )
}

async function writeJson(file: string, content: unknown): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(content, null, 2)}\n`)
}
