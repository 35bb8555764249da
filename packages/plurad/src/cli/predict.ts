import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runOffThread } from '@plurad/torch/off-thread'
import type { Command } from 'commander'
import { csvFormatRows } from 'd3-dsv'
import { DataError, UsageError } from '../errors.js'
import type { InferenceJob, InferenceMessage, InferenceOutcome } from '../training/inference.js'
import { bar, Progress } from './progress.js'
import { formatTable } from './table.js'

interface Flags {
  json?: boolean
  csv?: boolean
  strict?: boolean
  threads?: string
  device: string
}

/** More than any one machine has processors; thousands would bring it to a stop. */
const MAX_THREADS = 512

const IMAGE_NAME = /\.(png|jpe?g|tiff?)$/i

export function register(program: Command): void {
  program
    .command('predict')
    .description('print the findings of a trained model for image files')
    .argument('<model>', 'a run folder or a model.safetensors')
    .argument('<file...>', 'images, or folders of images')
    .option('--json', 'print one JSON array')
    .option('--csv', 'print a table with one column a label')
    .option('--strict', 'stop at the first image that cannot be read')
    .option('--threads <n>', 'threads of the engine')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .addHelpText(
      'after',
      `
A finding is marked with * when its probability reaches the threshold that was tuned on the validation split.

Examples:
  plurad predict runs/chexnet image.png
  plurad predict runs/chexnet images/ --csv > findings.csv`,
    )
    .action(async (model: string, files: string[], flags: Flags) => {
      const threads = flags.threads === undefined ? null : Number(flags.threads)
      if (threads !== null && !(Number.isInteger(threads) && threads > 0 && threads <= MAX_THREADS)) {
        throw new UsageError(
          `predict: --threads ${flags.threads}: expected a whole number from 1 to ${MAX_THREADS}`,
        )
      }
      const { strict = false } = flags
      const device = checkDevice('predict', flags.device)
      printFindings(await predictFiles({ model, files, threads, device, strict }), flags)
    })
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

export async function predictFiles(options: PredictFilesOptions): Promise<InferenceOutcome> {
  const { model, files, threads = null, device = 'auto', strict = false } = options
  const images = await expand(files)
  const samples = images.map((path) => ({ image: path, path, patient: null, labels: [] }))
  return infer({ model, samples, labels: [], batchSize: 16, threads, device, strict }, images.length <= 16)
}

/** Runs a model off the main thread, with progress on stderr. */
export async function infer(job: InferenceJob, quiet = false): Promise<InferenceOutcome> {
  const progress = new Progress({ quiet })
  const outcome = await runOffThread<InferenceJob, InferenceMessage, InferenceOutcome>(
    new URL('../training/inference.js', import.meta.url),
    job,
    { onMessage: ({ done, total }) => progress.update(`Predicting ${bar(done / total)} ${done}/${total}`) },
  )
  progress.clear()
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
  { info, predictions, unreadable }: InferenceOutcome,
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
    const results = images.map((image, row) => ({ image, findings: findingsOf(row) }))
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
