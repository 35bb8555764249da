import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { csvFormatRows } from 'd3-dsv'
import { matchImages, matchLabels, readSampleSubmission, writeSubmission } from '../data/submission.js'
import { DataError, UsageError } from '../errors.js'
import { readEnvironment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import type { Predictions } from '../metrics/predictions.js'
import type { InferenceJob, InferenceMessage, InferenceOutcome } from '../training/inference.js'
import { printWarnings } from './notes.js'
import { findOnnxFile, predictOnnx } from './predict-onnx.js'
import { bar, Progress } from './progress.js'
import { formatTable } from './table.js'
import { parseThreads } from './threads.js'

interface Flags {
  json?: boolean
  csv?: boolean
  strict?: boolean
  threads?: string
  device: string
  submission?: string
  decisions?: boolean
  out?: string
}

const IMAGE_NAME = /\.(png|jpe?g|tiff?)$/i

export function register(program: Command): void {
  program
    .command('predict')
    .description('print the findings of a trained model for image files')
    .argument('<model>', 'a run folder, a .onnx file or a model.safetensors')
    .argument('<file...>', 'images, or folders of images')
    .option('--json', 'print one JSON array')
    .option('--csv', 'print a table with one column a label')
    .option('--submission <sample>', "fill a challenge's sample submission, to be written to --out")
    .option('--out <file>', 'the submission to write')
    .option('--decisions', "submit 1 and 0 by the model's thresholds instead of probabilities")
    .option('--strict', 'stop at the first image that cannot be read')
    .option('--threads <n>', 'threads of the engine')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .addHelpText(
      'after',
      `
A finding is marked with * when its probability reaches the threshold that was tuned on the validation split.

Examples:
  plurad predict runs/chexnet image.png
  plurad predict model.onnx image.png
  plurad predict runs/chexnet images/ --csv > findings.csv
  plurad predict runs/mri test_images/ --submission sample_submission.csv --out submission.csv`,
    )
    .action(async (model: string, files: string[], flags: Flags) => {
      const threads = parseThreads('predict', flags.threads)
      const { strict = false } = flags
      const device = checkDevice('predict', flags.device)
      const { submission, out } = flags
      if ((submission === undefined) !== (out === undefined) || (flags.decisions && submission === undefined))
        throw new UsageError(
          'predict: --submission <sample> and --out <file> go together, --decisions with them',
        )
      if (submission === undefined || out === undefined) {
        printFindings(await predictFiles({ model, files, threads, device, strict }), flags)
        return
      }
      if (flags.csv) throw new UsageError('predict: --csv prints findings: leave it out with --submission')
      await submit({ model, files, threads, device, strict }, submission, out, flags)
    })
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
  const files = await expand(options.files)
  matchImages(sample, files)
  const run = readEnvironment(new RunFolder(options.model).environment)
  if (run !== null) matchLabels(sample, run.labels)
  const { info, predictions, unreadable } = await predictFiles({ ...options, files })
  for (const { image, reason } of unreadable)
    process.stderr.write(`${reason.startsWith(image) ? reason : `${image}: ${reason}`}\n`)
  await writeSubmission(sample, predictions, out, decisions ? info.thresholds : null)
  const summary = { submission: out, images: sample.ids.length, labels: sample.columns.slice(1), decisions }
  process.stdout.write(
    json
      ? `${JSON.stringify(summary)}\n`
      : `${out}: ${sample.ids.length} images, ${decisions ? 'decisions' : 'probabilities'} for ` +
          `${summary.labels.join(', ')}\n`,
  )
}

/** Gives the device back where it can be one. Throws `UsageError`. */
export function checkDevice(command: string, device: string): string {
  if (/^(auto|cpu|cuda(:\d+)?)$/.test(device)) return device
  throw new UsageError(`${command}: --device ${device}: expected auto, cpu, cuda or cuda:N`)
}

export interface PredictFilesOptions {
  /** Run folder or model file. */
  model: string
  /** Images, or folders of images. */
  files: readonly string[]
  threads?: number | null
  device?: string
  strict?: boolean
}

/** What printing and submissions need of an outcome, whichever engine it came from. */
type Findings = Pick<InferenceOutcome, 'info' | 'unreadable' | 'warnings'> & {
  predictions: Pick<Predictions, 'labels' | 'images' | 'scores'>
}

/**
 * Predicts with ONNX Runtime where the model has been exported (and no GPU is asked for), else with libtorch.
 */
export async function predictFiles(options: PredictFilesOptions): Promise<Findings> {
  const { model, files, threads = null, device = 'auto', strict = false } = options
  const images = await expand(files)
  const exported = device.startsWith('cuda') ? null : findOnnxFile(model)
  if (exported !== null) {
    const { info, unreadable, warnings, ...predictions } = await predictOnnx({
      model: exported,
      images,
      threads,
      strict,
    })
    return { info, unreadable, warnings, predictions }
  }
  const samples = images.map((path) => ({ image: path, path, patient: null, labels: [] }))
  return infer({ model, samples, labels: [], batchSize: 16, threads, device, strict }, images.length <= 16)
}

/** Runs a model off the main thread, with progress and warnings about images on stderr. */
export async function infer(job: InferenceJob, quiet = false): Promise<InferenceOutcome> {
  // An exported model is predicted without libtorch's package.
  const { runOffThread } = await import('@plurad/torch/off-thread')
  const progress = new Progress({ quiet })
  const outcome = await runOffThread<InferenceJob, InferenceMessage, InferenceOutcome>(
    new URL('../training/inference.js', import.meta.url),
    job,
    { onMessage: ({ done, total }) => progress.update(`Predicting ${bar(done / total)} ${done}/${total}`) },
  )
  progress.clear()
  printWarnings(outcome.warnings)
  return outcome
}

async function expand(files: readonly string[]): Promise<string[]> {
  const images: string[] = []
  for (const file of files) {
    const found = await stat(file).catch(() => null)
    if (found === null) throw new DataError(`There is no file or folder ${file}.`)
    if (!found.isDirectory()) {
      images.push(file)
      continue
    }
    const names = (await readdir(file)).filter((name) => IMAGE_NAME.test(name)).sort()
    if (names.length === 0) throw new DataError(`The folder ${file} holds no image (.png, .jpg, .tif).`)
    images.push(...names.map((name) => join(file, name)))
  }
  return images
}

/** Findings on stdout as text, JSON or CSV; images that could not be read on stderr, with exit code 1. */
export function printFindings(
  { info, predictions, unreadable, warnings }: Findings,
  { json, csv }: Pick<Flags, 'json' | 'csv'>,
): void {
  const { labels, images, scores } = predictions
  const findingsOf = (row: number) =>
    labels.map((label, i) => {
      const probability = scores[row * labels.length + i]
      const threshold = info.thresholds[i] ?? null
      return { label, probability, threshold, present: threshold === null ? null : probability >= threshold }
    })
  if (json) {
    const warningOf = new Map(warnings.map(({ image, reason }) => [image, reason]))
    const results = images.map((image, row) => {
      const warning = warningOf.get(image)
      return { image, findings: findingsOf(row), ...(warning === undefined ? {} : { warning }) }
    })
    process.stdout.write(
      `${JSON.stringify([...results, ...unreadable.map(({ image, reason }) => ({ image, error: reason }))], null, 2)}\n`,
    )
  } else if (csv) {
    const rows = images.map((image, row) => [
      image,
      ...findingsOf(row).map(({ probability }) => String(probability)),
    ])
    process.stdout.write(`${csvFormatRows([['image', ...labels], ...rows])}\n`)
  } else {
    images.forEach((image, row) => {
      const findings = findingsOf(row).sort((a, b) => b.probability - a.probability)
      const lines = findings.map(({ label, probability, threshold, present }) => [
        present ? '*' : '',
        label,
        probability.toFixed(3),
        threshold?.toFixed(3) ?? '-',
      ])
      process.stdout.write(`${image}\n${formatTable(['', 'finding', 'probability', 'threshold'], lines)}\n\n`)
    })
  }
  if (unreadable.length > 0) {
    for (const { image, reason } of json ? [] : unreadable)
      process.stderr.write(`plurad: ${reason.startsWith(image) ? reason : `${image}: ${reason}`}\n`)
    process.stderr.write(
      `${unreadable.length} of ${images.length + unreadable.length} images could not be read.\n`,
    )
    process.exitCode = 1
  }
}
