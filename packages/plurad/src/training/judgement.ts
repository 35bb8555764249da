/** What a finished run says of itself: calibration, thresholds, figures with intervals, subgroups. */
import { DataError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import type { Metadata } from '../data/dataset.js'
import { writeMetadata } from '../data/metadata-table.js'
import { metadataAttributes } from '../metrics/attributes.js'
import { fitCalibration, operatingPoints, type Calibration } from '../metrics/calibration/index.js'
import { applyCalibration } from '../metrics/calibration/apply.js'
import { judge, type BootstrapChoice, type JudgedMetrics } from '../metrics/judge.js'
import { writePredictions, type Predictions } from '../metrics/predictions.js'
import { evaluateSubgroups, type Subgroups } from '../metrics/subgroups.js'
import type { Recipe } from '../recipe/schema.js'
import type { RunFolder } from '../run/folder.js'

export interface RunResults {
  val: Predictions
  test: Predictions
  /** By image, of all images that were predicted. */
  metadata: ReadonlyMap<string, Metadata>
  /** [C] positive training images. */
  trainingCounts: readonly number[]
}

export interface RunJudgement {
  /** Null where the recipe wants none, or no label has enough cases to fit one. */
  calibration: Calibration | null
  /** [C] for calibrated probabilities. */
  thresholds: (number | null)[]
  val: JudgedMetrics
  test: JudgedMetrics
  /** Calibrated probabilities; null where the recipe wants no calibration. */
  calibrated: { val: Predictions; test: Predictions } | null
  /** Of the test split; null where nothing is known that it could be grouped by. */
  subgroups: Subgroups | null
}

/**
 * Calibrates on the validation split, chooses thresholds there on calibrated probabilities, and measures both splits.
 * The same predictions give the same figures: samples of the patients are drawn with a seed of their own.
 */
export function judgeRun(
  { val, test, metadata, trainingCounts }: RunResults,
  { threshold, calibration: method, bootstrap: repetitions }: Recipe['evaluation'],
): RunJudgement {
  const fitted = method === 'none' ? [] : fitCalibration(val, method)
  const calibration = fitted.some((label) => label !== null) ? fitted : null
  const validation = calibration === null ? val : applyCalibration(calibration, val)
  const thresholds = operatingPoints(
    validation,
    threshold === 'max_f1' ? { rule: 'max_f1' } : { rule: 'fixed', threshold },
  )
  const bootstrap: BootstrapChoice | null =
    repetitions === 0 ? null : { repetitions, method: 'percentile', level: 0.95, seed: 0 }
  const of = (predictions: Predictions, intervals: BootstrapChoice | null) =>
    judge({
      predictions,
      thresholds,
      validation: null,
      trainingCounts,
      point: null,
      ownCalibration: calibration,
      calibration: null,
      bootstrap: intervals,
    })
  const [onVal, onTest] = [of(val, null), of(test, bootstrap)]
  const attributes = metadataAttributes(test.images.map((image) => known(metadata, image)))
  return {
    calibration,
    thresholds,
    val: onVal.metrics,
    test: onTest.metrics,
    calibrated: calibration === null ? null : { val: onVal.calibrated, test: onTest.calibrated },
    subgroups:
      attributes.length === 0
        ? null
        : evaluateSubgroups(onTest.calibrated, attributes, {
            thresholds,
            groups: onTest.groups ?? undefined,
            bootstrap,
          }),
  }
}

/** Writes what belongs beside `metrics.json`, which is left to the caller: its presence says that the run is finished. */
export async function writeJudgement(
  folder: RunFolder,
  { calibrated, subgroups }: RunJudgement,
  metadata: ReadonlyMap<string, Metadata>,
): Promise<void> {
  for (const split of ['val', 'test'] as const)
    if (calibrated !== null) await writePredictions(folder.calibrated(split), calibrated[split])
  if (subgroups === null) return
  await writeFileAtomic(folder.subgroups, `${JSON.stringify(subgroups, null, 2)}\n`)
  await writeMetadata(
    folder.metadata,
    [...metadata].map(([image, of]) => ({ image, metadata: of })),
  )
}

function known(metadata: ReadonlyMap<string, Metadata>, image: string): Metadata {
  const found = metadata.get(image)
  if (found === undefined)
    throw new DataError(`The prediction of '${image}' belongs to no row of the data set.`)
  return found
}
