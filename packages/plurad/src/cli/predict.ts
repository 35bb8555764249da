import type { Command } from 'commander'
import { matchImages, matchLabels, readSampleSubmission, writeSubmission } from '../data/submission.js'
import type { VariationSpec } from '../data/variations/variation.js'
import { DataError, UsageError } from '../errors.js'
import { calibratedScores } from '../predict/findings.js'
import { readEnvironment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import { checkDevice, infer } from './infer.js'
import { expandInputs, splitModels } from './predict/inputs.js'
import { csvOf, jsonOf, longCsvOf, reportUnreadable, textOf } from './predict/outputs.js'
import type { Outcome } from './predict/results.js'
import { findOnnxFile, predictOnnx } from './predict-onnx.js'
import { parseThreads } from './threads.js'
import { TTA_HELP, ttaViews } from './tta.js'

interface Flags {
  json?: boolean
  csv?: boolean
  csvLong?: boolean
  strict?: boolean
  tta?: string
  threads?: string
  device: string
  submission?: string
  decisions?: boolean
  out?: string
  sr?: string
  heatmaps?: string
  codes?: string
  heatmapsDicom?: string
}

export function register(program: Command): void {
  program
    .command('predict')
    .description('print the findings of a trained model, or of several together, for images')
    .argument('<model>', 'a run folder, a .onnx file or a model.safetensors')
    .argument(
      '<file...>',
      'further models, then images, folders of images or patterns such as "scans/**/*.dcm"',
    )
    .option('--json', 'print one JSON array')
    .option('--csv', 'print a table with one column a label')
    .option('--csv-long', 'print a table with one row a finding: probability, calibrated, threshold, present')
    .option('--submission <sample>', "fill a challenge's sample submission, to be written to --out")
    .option('--out <file>', 'the submission to write')
    .option('--decisions', "submit 1 and 0 by the model's thresholds instead of probabilities")
    .option('--tta <views>', TTA_HELP)
    .option('--sr <folder>', 'also write a DICOM structured report of each DICOM image there')
    .option('--codes <csv>', 'with --sr: codes of labels, in the columns label, code, scheme and meaning')
    .option('--heatmaps-dicom <folder>', 'also write DICOM heat maps of each DICOM image there')
    .option('--heatmaps <folder>', 'also write a picture of each image there, of where the findings are')
    .option('--strict', 'stop at the first image that cannot be read')
    .option('--threads <n>', 'threads of the engine')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .addHelpText(
      'after',
      `
A finding is marked with * when its probability reaches the threshold that was tuned on the validation split. Folders
are read with all folders in them, in every format that plurad knows; image.dcm#3 is the fourth frame of a file. Of
several models, all exported, the mean of the probabilities counts.

Examples:
  plurad predict runs/chexnet image.png
  plurad predict model.onnx study/ image.dcm#3 --json
  plurad predict first.onnx second.onnx "images/**/*.png" --csv > findings.csv
  plurad predict runs/chexnet study/ --sr reports --heatmaps-dicom maps
  plurad predict runs/chexnet study/ --heatmaps pictures
  plurad predict runs/mri test_images/ --submission sample_submission.csv --out submission.csv`,
    )
    .action(async (model: string, rest: string[], flags: Flags) => {
      checkFlags(flags)
      const { models, files } = await splitModels([model, ...rest])
      if (models.length > 1 && (flags.heatmaps ?? flags.heatmapsDicom) !== undefined)
        throw new UsageError(
          'predict: --heatmaps and --heatmaps-dicom show what one model looked at: name one, not several',
        )
      const { strict = false, submission, out } = flags
      const threads = parseThreads('predict', flags.threads)
      const device = checkDevice('predict', flags.device)
      const options = { models, files, threads, device, strict, views: ttaViews('predict', flags.tta) }
      if (submission !== undefined && out !== undefined) await submit(options, submission, out, flags)
      else if ((flags.sr ?? flags.heatmapsDicom) !== undefined) await predictAndSend(options, flags)
      else if (flags.heatmaps !== undefined) await predictAndExplain(options, flags.heatmaps, flags)
      else printFindings(await predictFiles(options), flags)
    })
}

/** Throws `UsageError` for flags that do not go together. */
function checkFlags({
  submission,
  out,
  decisions,
  csv = false,
  csvLong = false,
  json = false,
  sr,
  codes,
  heatmaps,
  heatmapsDicom,
}: Flags): void {
  if ((submission === undefined) !== (out === undefined) || (decisions && submission === undefined))
    throw new UsageError('predict: --submission <sample> and --out <file> go together, --decisions with them')
  if ((csv || csvLong) && submission !== undefined)
    throw new UsageError(
      `predict: --csv${csvLong ? '-long' : ''} prints findings: leave it out with --submission`,
    )
  if ((sr ?? heatmapsDicom) !== undefined && submission !== undefined)
    throw new UsageError('predict: --sr and --heatmaps-dicom go with printed findings, not with --submission')
  if (codes !== undefined && sr === undefined)
    throw new UsageError('predict: --codes is for the reports of --sr')
  const forms = [json && '--json', csv && '--csv', csvLong && '--csv-long'].filter((form) => form !== false)
  if (forms.length > 1) throw new UsageError(`predict: ${forms.join(' and ')}: choose one`)
  if (heatmaps !== undefined && (submission ?? sr ?? heatmapsDicom) !== undefined)
    throw new UsageError(
      'predict: --heatmaps goes with printed findings, not with --submission, --sr or --heatmaps-dicom',
    )
}

/** Prints findings, and draws where they are. */
async function predictAndExplain(options: PredictFilesOptions, folder: string, flags: Flags): Promise<void> {
  const { writeHeatmaps } = await import('./predict/heatmaps.js')
  const outcome = await predictFiles(options)
  printFindings(outcome, flags)
  await writeHeatmaps(options, outcome, folder)
}

/** Prints findings, and writes them as objects for a PACS. */
async function predictAndSend(options: PredictFilesOptions, flags: Flags): Promise<void> {
  const { planReports, writeReports } = await import('./predict/structured-reports.js')
  const files = await expandInputs(options.files)
  const plan = flags.sr === undefined ? null : await planReports(files, flags.sr, flags.codes)
  const outcome = await predictFiles({ ...options, files })
  printFindings(outcome, flags)
  if (plan !== null) await writeReports(outcome, plan, options.models)
  if (flags.heatmapsDicom === undefined) return
  const { writeHeatmapObjects } = await import('./predict/heatmap-objects.js')
  await writeHeatmapObjects(options, outcome, flags.heatmapsDicom)
}

/** Predicts what a sample submission asks for, and writes it. */
async function submit(
  options: PredictFilesOptions,
  sampleFile: string,
  out: string,
  { decisions = false, json = false }: Flags,
): Promise<void> {
  const sample = await readSampleSubmission(sampleFile)
  // Before hours of prediction: whether these are the images and labels asked for.
  const files = await expandInputs(options.files)
  matchImages(sample, files)
  const run = readEnvironment(new RunFolder(options.models[0]).environment)
  if (run !== null) matchLabels(sample, run.labels)
  const outcome = await predictFiles({ ...options, files })
  reportUnreadable(outcome, false)
  const { info, predictions } = outcome
  const calibrated = decisions ? calibratedScores(info, predictions.scores) : null
  const submitted = { ...predictions, scores: calibrated ?? predictions.scores }
  await writeSubmission(sample, submitted, out, decisions ? info.thresholds : null)
  const summary = { submission: out, images: sample.ids.length, labels: sample.columns.slice(1), decisions }
  process.stdout.write(
    json
      ? `${JSON.stringify(summary)}\n`
      : `${out}: ${sample.ids.length} images, ${decisions ? 'decisions' : 'probabilities'} for ` +
          `${summary.labels.join(', ')}\n`,
  )
}

export interface PredictFilesOptions {
  /** Run folders or model files; of several, the mean of their probabilities. */
  models: readonly string[]
  /** Images, folders of images or patterns. */
  files: readonly string[]
  threads?: number | null
  device?: string
  strict?: boolean
  /** Further views of each image, over which scores are averaged. */
  views?: VariationSpec | null
}

/**
 * Predicts with ONNX Runtime where the model has been exported (and no GPU is asked for), else with libtorch.
 */
export async function predictFiles(options: PredictFilesOptions): Promise<Outcome> {
  const { models, files, threads = null, device = 'auto', strict = false, views = null } = options
  const images = await expandInputs(files)
  const exported = device.startsWith('cuda') ? [] : models.map((model) => findOnnxFile(model))
  const onnx = exported.filter((file) => file !== null)
  const names = views?.kind === 'views' ? views.names : []
  const viewed = views === null ? {} : { views: names }
  if (onnx.length === models.length)
    return { ...(await predictOnnx({ models: onnx, images, threads, strict, views: names })), ...viewed }
  const [model, ...others] = models
  if (others.length > 0) {
    const lacking = models.filter((_, i) => (exported[i] ?? null) === null)
    throw new DataError(
      'Several models are predicted together once they are exported, on the processor: plurad export ' +
        lacking.join(', plurad export '),
    )
  }
  const samples = images.map((path) => ({ image: path, path, patient: null, labels: [] }))
  const variations = views === null ? [] : [views]
  const job = { model, samples, labels: [], batchSize: 16, threads, device, strict, variations }
  const outcome = await infer(job, images.length <= 16)
  const predictions = { ...outcome.predictions, scores: outcome.varied[0] ?? outcome.predictions.scores }
  return { ...outcome, predictions, outOfDistribution: null, ...viewed }
}

/** Findings on standard output as text, JSON or CSV; what could not be read on standard error, with exit code 1. */
export function printFindings(
  outcome: Outcome,
  { json = false, csv = false, csvLong = false }: Pick<Flags, 'json' | 'csv' | 'csvLong'>,
): void {
  const form = json ? jsonOf : csv ? csvOf : csvLong ? longCsvOf : textOf
  const text = form(outcome)
  if (text !== '') process.stdout.write(`${text}\n`)
  reportUnreadable(outcome, json)
}
