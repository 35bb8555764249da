/** What is to be judged, from wherever it came: a model's predictions, made now, or saved ones. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Dataset, Metadata, Sample, Split } from '../../data/dataset.js'
import { readMetadata } from '../../data/metadata-table.js'
import { openDataset } from '../../data/sets/open.js'
import { readSplit } from '../../data/split-file.js'
import type { VariationSpec } from '../../data/variations/variation.js'
import { DataError, UsageError } from '../../errors.js'
import type { Calibration, OperatingPoint } from '../../metrics/index.js'
import type { Predictions } from '../../metrics/predictions.js'
import { readRecipe, readRecipeText } from '../../recipe/read.js'
import { pictureSource, type PictureSource } from '../../report/index.js'
import { summariseSplits } from '../../report/split-table.js'
import { readEnvironment, type Environment } from '../../run/environment.js'
import { RunFolder } from '../../run/folder.js'
import { openFromFlags } from '../data/dataset-flags.js'
import { checkDevice, infer } from '../infer.js'
import { readSavedPredictions, readValidation } from '../prediction-files.js'
import type { EvaluateFlags } from './flags.js'
import { inferExported } from './exported.js'

export interface Judged {
  title: string
  /** Scores before any calibration. */
  predictions: Predictions
  /** [V] the scores of each variation that was asked for. */
  varied: readonly Float64Array[]
  /** Those of the model file, if any. */
  thresholds: readonly (number | null)[] | null
  /** That of the model file, if any. */
  ownCalibration: Calibration | null
  validation: Predictions | null
  /** Positive training images of each label, where they are known. */
  trainingCounts: readonly number[] | null
  /** [N] what is known of each image; null where nothing is. */
  metadata: readonly Metadata[] | null
  /** The data set that was read and the pixels of its images; null for saved predictions. */
  source: { data_name: string; data_fingerprint: string; pictures: PictureSource } | null
  /** The run whose own test split this is. */
  ownRun: RunFolder | null
  unreadable: readonly { image: string; reason: string }[]
  warnings: readonly { image: string; reason: string }[] | null
}

export async function toBeJudged(
  model: string | undefined,
  flags: EvaluateFlags,
  variations: readonly VariationSpec[],
): Promise<Judged> {
  if ((model === undefined) === (flags.predictions === undefined)) {
    throw new UsageError('evaluate: name a model (a run folder or a file), or saved --predictions')
  }
  const given =
    flags.validation === undefined ? null : await readSavedPredictions(flags.validation, 'val', flags.labels)
  if (model !== undefined) return predictAndJudge(model, flags, given, variations)
  const { predictions: file = '', data, labels } = flags
  if (data !== undefined)
    throw new UsageError('evaluate: --data is for a model: saved predictions hold their truth')
  if (variations.length > 0)
    throw new UsageError(
      'evaluate: --corruptions and --tta need a model and its images, not saved predictions',
    )
  const predictions = await readSavedPredictions(file, flags.split ?? 'test', labels)
  const folder = new RunFolder(file)
  return {
    title: file,
    predictions,
    varied: [],
    thresholds: null,
    ownCalibration: null,
    validation: given ?? (await readValidation(file)),
    trainingCounts: await trainingCounts(folder, predictions.labels),
    metadata: await savedMetadata(folder, predictions),
    source: null,
    ownRun: null,
    unreadable: [],
    warnings: null,
  }
}

async function predictAndJudge(
  model: string,
  flags: EvaluateFlags,
  given: Predictions | null,
  variations: readonly VariationSpec[],
): Promise<Judged> {
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
  const job = { model, samples, labels: dataset.labels, variations, strict: false, threads: null }
  const { info, predictions, varied, unreadable, warnings } = model.endsWith('.onnx')
    ? await inferExported(job)
    : await infer({ ...job, batchSize: 32, device })
  const metadataOf = new Map(samples.map(({ image, metadata }) => [image, metadata]))
  return {
    title: `${dataset.name}, ${split}`,
    predictions,
    varied,
    thresholds: info.thresholds,
    ownCalibration: info.calibration,
    validation: given ?? (await readValidation(model)),
    trainingCounts: await trainingCounts(folder, predictions.labels),
    metadata: predictions.images.map((image) => metadataOf.get(image) ?? NOTHING_KNOWN),
    source: {
      data_name: dataset.name,
      data_fingerprint: dataset.fingerprint,
      pictures: pictureSource(samples, { window: info.window, bits: info.bits }),
    },
    ownRun: flags.data === undefined && split === 'test' ? folder : null,
    unreadable,
    warnings,
  }
}

const NOTHING_KNOWN: Metadata = { age: null, sex: null, view: null }

/** What a run folder wrote of its images. */
async function savedMetadata(folder: RunFolder, { images }: Predictions): Promise<Metadata[] | null> {
  if (!existsSync(folder.metadata)) return null
  const table = await readMetadata(folder.metadata, images)
  const [ages, sexes, views] = ['age', 'sex', 'view'].map(table.cells)
  return images.map((_, row) => ({
    age: ages[row] === '' ? null : Number(ages[row]),
    sex: sexes[row] === 'F' || sexes[row] === 'M' ? sexes[row] : null,
    view: views[row] || null,
  }))
}

/** Tuning on the images that are judged would flatter: refused. */
export function checkTuning(
  { validation, predictions }: Judged,
  point: OperatingPoint | null,
  calibrated: boolean,
): void {
  const flag = calibrated ? '--calibrate' : '--operating-point'
  const needed = calibrated || (point !== null && point.rule !== 'fixed')
  if (needed && validation === null) {
    throw new UsageError(
      `evaluate: ${flag} needs --validation: what is tuned on the images that it is judged on flatters`,
    )
  }
  if (needed && validation !== null) {
    const shared = sharedRow(validation, predictions)
    if (shared !== undefined) {
      throw new UsageError(
        `evaluate: ${flag} would be tuned on images that it is judged on, such as ${shared}, which flatters: judge another ` +
          'split, or name other predictions by --validation',
      )
    }
  }
  if (validation !== null && validation.labels.join('\n') !== predictions.labels.join('\n')) {
    throw new DataError(
      `The validation predictions are of ${validation.labels.join(', ')}: expected ${predictions.labels.join(', ')}.`,
    )
  }
}

/** An image that both have with the same scores; names alone say little, where files without any are numbered. */
function sharedRow(a: Predictions, b: Predictions): string | undefined {
  const rows = new Map(a.images.map((image, row) => [image, row]))
  const count = a.labels.length
  const scoresOf = ({ scores }: Predictions, row: number): Float64Array =>
    scores.subarray(row * count, (row + 1) * count)
  return b.images.find((image, row) => {
    const other = rows.get(image)
    if (other === undefined || b.labels.length !== count) return false
    const own = scoresOf(b, row)
    return scoresOf(a, other).every((score, label) => score === own[label])
  })
}

/** Positive images of each label in the run's training split; null where there is no such table. */
export async function trainingCounts(folder: RunFolder, labels: readonly string[]): Promise<number[] | null> {
  if (!existsSync(folder.split)) return null
  const summary = summariseSplits('split.csv', await readFile(folder.split, 'utf8'))
  return summary.labels.join('\n') === labels.join('\n') ? summary.splits.train.positives : null
}

/** The run's own data set, with the run's labels and unchanged since, or another one. */
export async function openOwnOrOther(
  location: string,
  own: Environment | null,
  folder: RunFolder,
  flags: Pick<EvaluateFlags, 'set'>,
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

/** Those of one split, or of all. */
export async function chooseSamples(
  dataset: Dataset,
  split: string,
  folder: RunFolder,
): Promise<readonly Sample[]> {
  if (split === 'all') return dataset.samples
  if (!existsSync(folder.split)) {
    throw new UsageError(
      `evaluate: --split ${split} needs a run folder with split.csv; ${folder.root} has none`,
    )
  }
  const assignment: Split[] = await readSplit(folder.split, dataset)
  return dataset.samples.filter((_, i) => assignment[i] === split)
}
