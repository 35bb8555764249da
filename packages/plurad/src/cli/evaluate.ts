import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Dataset, Sample, Split } from '../data/dataset.js'
import { openDataset } from '../data/sets/open.js'
import { readSplit } from '../data/split-file.js'
import { DataError, UsageError } from '../errors.js'
import { makeFolder, writeFileAtomic } from '../files.js'
import { CALIBRATION_METHODS, type CalibrationMethod, type OperatingPoint } from '../metrics/index.js'
import { readRecipe, readRecipeText } from '../recipe/read.js'
import { summariseSplits } from '../report/split-table.js'
import { readEnvironment, type Environment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import { writePredictions, type Predictions } from '../metrics/predictions.js'
import { bootstrapChoice, bootstrapOptions, type BootstrapFlags } from './bootstrap-flags.js'
import { collect, openFromFlags } from './data/dataset-flags.js'
import { judge, type Judgement } from './judge.js'
import { metricsTable, overallTable } from './metrics-table.js'
import { writeNotes } from './notes.js'
import { parseOperatingPoint } from './operating-point.js'
import { readSavedPredictions, readValidation } from './prediction-files.js'
import { checkDevice, infer } from './predict.js'
import { Progress } from './progress.js'

interface Flags extends BootstrapFlags {
  data?: string
  set: string[]
  split?: string
  predictions?: string
  labels?: string
  validation?: string
  operatingPoint?: string
  calibrate?: string
  out?: string
  json?: boolean
  device: string
}

/** What is to be judged, from wherever it came. */
interface Judged {
  title: string
  predictions: Predictions
  /** Those of the model file, if any. */
  thresholds: readonly (number | null)[] | null
  validation: Predictions | null
  /** Positive training images of each label, where they are known. */
  trainingCounts: readonly number[] | null
  unreadable: readonly { image: string; reason: string }[]
  warnings: readonly { image: string; reason: string }[] | null
}

const SPLITS = ['all', 'train', 'val', 'test']

export function register(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure a trained model on a data set, or predictions that were made before')
    .argument('[model]', 'a run folder or a model.safetensors')
    .option('--data <folder|csv>', "the data set; a run folder's own when left out")
    .option('--set <key=value>', 'with --data: a setting of its adapter; may be repeated', collect, [])
    .option(
      '--split <name>',
      "train, val or test of the run's own split, or all rows (default: test of a run's own data)",
    )
    .option(
      '--predictions <csv|npz>',
      'instead of a model: scores and truth that were saved, here or elsewhere',
    )
    .option('--labels <names>', 'label names of an NPZ file that has none, with commas between')
    .option('--validation <csv|npz>', "predictions to tune on (default: a run folder's predictions/val.csv)")
    .option(
      '--operating-point <rule>',
      'thresholds by youden, max_f1, sensitivity=0.9 or specificity=0.9 on the validation split, or one such as 0.5',
    )
    .option(
      '--calibrate <method>',
      `${CALIBRATION_METHODS.join(', ')}: calibrate on the validation split first`,
    )
  bootstrapOptions(command)
    .option(
      '--out <folder>',
      'also write predictions.csv, metrics.json and the lists skipped.csv and warnings.csv there',
    )
    .option('--json', 'print the metrics as JSON')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .addHelpText(
      'after',
      `
Examples:
  plurad evaluate runs/chexnet
  plurad evaluate runs/chexnet --data other-hospital.csv --out results
  plurad evaluate runs/chexnet --data CheXpert-v1.0-small --set policy=u-ignore
  plurad evaluate runs/chexnet --bootstrap 2000 --operating-point sensitivity=0.9 --calibrate platt
  plurad evaluate --predictions elsewhere.npz --bootstrap 2000 --operating-point 0.5`,
    )
    .action(async (model: string | undefined, flags: Flags) => {
      if (flags.split !== undefined && !SPLITS.includes(flags.split)) {
        throw new UsageError(`evaluate: --split ${flags.split}: expected one of ${SPLITS.join(', ')}`)
      }
      const choice = bootstrapChoice('evaluate', flags)
      const point = flags.operatingPoint === undefined ? null : parseOperatingPoint(flags.operatingPoint)
      const calibration = calibrationMethod(flags.calibrate)
      const judged = await toBeJudged(model, flags)
      checkTuning(judged, point, calibration)
      const progress = new Progress()
      const outcome = judge({ ...judged, point, calibration, bootstrap: choice }, (done, of) => {
        progress.update(`Bootstrap ${done} of ${of}`)
      })
      progress.clear()
      if (flags.out !== undefined) await writeOutcome(flags.out, judged, outcome)
      print(judged, outcome, flags)
    })
}

async function toBeJudged(model: string | undefined, flags: Flags): Promise<Judged> {
  if ((model === undefined) === (flags.predictions === undefined)) {
    throw new UsageError('evaluate: name a model (a run folder or a file), or saved --predictions')
  }
  const given =
    flags.validation === undefined ? null : await readSavedPredictions(flags.validation, 'val', flags.labels)
  if (model !== undefined) return predictAndJudge(model, flags, given)
  const { predictions: file = '', data, labels } = flags
  if (data !== undefined)
    throw new UsageError('evaluate: --data is for a model: saved predictions hold their truth')
  return {
    title: file,
    predictions: await readSavedPredictions(file, flags.split ?? 'test', labels),
    thresholds: null,
    validation: given,
    trainingCounts: null,
    unreadable: [],
    warnings: null,
  }
}

async function predictAndJudge(model: string, flags: Flags, given: Predictions | null): Promise<Judged> {
  const device = checkDevice('evaluate', flags.device)
  const folder = new RunFolder(model)
  const own = readEnvironment(folder.environment)
  const location = flags.data ?? own?.data
  if (location === undefined) throw new UsageError('evaluate: --data is needed for a model file')
  // A model knows its training images: on the data it was made from, only the test split says anything.
  const split = flags.split ?? (flags.data === undefined ? 'test' : 'all')
  const dataset = await openOwnOrOther(location, flags.data === undefined ? own : null, folder, flags)
  const samples = await chooseSamples(dataset, split, folder)
  if (flags.data === undefined && split !== 'test') {
    process.stderr.write(
      `Note: ${split === 'all' ? 'all rows include' : `the ${split} split is`} data that the model was made with.\n`,
    )
  }
  const { info, predictions, unreadable, warnings } = await infer({
    model,
    samples,
    labels: dataset.labels,
    batchSize: 32,
    threads: null,
    device,
    strict: false,
  })
  return {
    title: `${dataset.name}, ${split}`,
    predictions,
    thresholds: info.thresholds,
    validation: given ?? (await readValidation(model)),
    trainingCounts: await trainingCounts(folder, predictions.labels),
    unreadable,
    warnings,
  }
}

function calibrationMethod(text: string | undefined): CalibrationMethod | null {
  if (text === undefined) return null
  const method = CALIBRATION_METHODS.find((name) => name === text)
  if (method !== undefined) return method
  throw new UsageError(`evaluate: --calibrate ${text}: expected ${CALIBRATION_METHODS.join(', ')}`)
}

/** Tuning on the images that are judged would flatter: refused. */
function checkTuning(
  { validation, predictions }: Judged,
  point: OperatingPoint | null,
  calibration: CalibrationMethod | null,
): void {
  const flag = calibration !== null ? '--calibrate' : '--operating-point'
  const needed = calibration !== null || (point !== null && point.rule !== 'fixed')
  if (needed && validation === null) {
    throw new UsageError(
      `evaluate: ${flag} needs --validation: what is tuned on the images that it is judged on flatters`,
    )
  }
  if (validation !== null && validation.labels.join('\n') !== predictions.labels.join('\n')) {
    throw new DataError(
      `The validation predictions are of ${validation.labels.join(', ')}: expected ${predictions.labels.join(', ')}.`,
    )
  }
}

async function writeOutcome(out: string, judged: Judged, { metrics, predictions }: Judgement): Promise<void> {
  makeFolder(out)
  await writePredictions(join(out, 'predictions.csv'), predictions)
  await writeFileAtomic(join(out, 'metrics.json'), `${JSON.stringify(metrics, null, 2)}\n`)
  if (judged.warnings === null) return
  await writeNotes(join(out, 'skipped.csv'), 'reason', judged.unreadable)
  await writeNotes(join(out, 'warnings.csv'), 'warning', judged.warnings)
}

function print({ title, unreadable }: Judged, { metrics }: Judgement, { json }: Flags): void {
  if (json) process.stdout.write(`${JSON.stringify(metrics, null, 2)}\n`)
  else {
    const { intervals, calibration } = metrics
    process.stdout.write(
      `${title}: ${metrics.images} images\n\n${metricsTable(metrics, intervals)}\n\n${overallTable(metrics, intervals)}\n`,
    )
    if (intervals) {
      process.stdout.write(
        `\nIntervals: ${100 * intervals.level} %, ${intervals.method}, ${intervals.repetitions} samples of patients.\n`,
      )
    }
    if (calibration) {
      const { before } = calibration
      process.stdout.write(
        `\nCalibrated by ${calibration.method} on the validation split. Mean Brier score ${before.brier?.toFixed(4) ?? '-'} -> ` +
          `${metrics.macro.brier?.toFixed(4) ?? '-'}, expected calibration error ${before.ece?.toFixed(4) ?? '-'} -> ` +
          `${metrics.macro.ece?.toFixed(4) ?? '-'}.\n`,
      )
    }
  }
  if (unreadable.length > 0) {
    process.stderr.write(
      `plurad: ${unreadable.length} image(s) could not be read, the first: ${unreadable[0].image}: ${unreadable[0].reason}\n`,
    )
    process.exitCode = 1
  }
}

/** Positive images of each label in the run's training split; null where there is no such table. */
async function trainingCounts(folder: RunFolder, labels: readonly string[]): Promise<number[] | null> {
  if (!existsSync(folder.split)) return null
  const summary = summariseSplits('split.csv', await readFile(folder.split, 'utf8'))
  return summary.labels.join('\n') === labels.join('\n') ? summary.splits.train.positives : null
}

/** The run's own data set, with the run's labels and unchanged since, or another one. */
async function openOwnOrOther(
  location: string,
  own: Environment | null,
  folder: RunFolder,
  flags: Flags,
): Promise<Dataset> {
  if (own === null) return openFromFlags(location, flags)
  if (flags.set.length > 0) {
    throw new UsageError("evaluate: --set is for --data: a run's own data are read as its recipe says")
  }
  const recipe = readRecipe(await readRecipeText(folder.recipe), folder.recipe)
  const dataset = await openDataset(location, {
    labels: own.labels,
    settings: recipe.data.set ?? undefined,
  })
  if (dataset.fingerprint !== own.data_fingerprint) {
    throw new DataError(
      `${location} has changed since the run was made: its split may no longer hold. Bring back the old data, or ` +
        'measure on this one by naming it with --data.',
    )
  }
  return dataset
}

async function chooseSamples(dataset: Dataset, split: string, folder: RunFolder): Promise<readonly Sample[]> {
  if (split === 'all') return dataset.samples
  if (!existsSync(folder.split)) {
    throw new UsageError(
      `evaluate: --split ${split} needs a run folder with split.csv; ${folder.root} has none`,
    )
  }
  const assignment: Split[] = await readSplit(folder.split, dataset)
  return dataset.samples.filter((_, i) => assignment[i] === split)
}
