import { basename, dirname, join, resolve } from 'node:path'
import { existsSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import { ExportError, UsageError } from '../errors.js'
import type { Exported, ExportFormat, SmallerPrecision } from '../export/export.js'
import type { JudgedImages, Precision } from '../export/quantise/reduce.js'
import { makeFolder } from '../files.js'
import { ensembleMembers } from './export-ensemble.js'
import { bar, Progress } from './progress.js'
import { shellWord } from './shell-word.js'
import { parseThreads } from './threads.js'

interface Flags {
  format: string
  out?: string
  precision: string
  maxAucLoss: string
  threads?: string
  /** False for `--no-ood`. */
  ood: boolean
  json?: boolean
}

const DEFAULT_AUC_LOSS = '0.003'

const PRECISIONS: readonly string[] = ['float32', 'float16', 'int8'] satisfies Precision[]

const FORMATS: readonly string[] = ['onnx', 'safetensors'] satisfies ExportFormat[]

export function register(program: Command): void {
  program
    .command('export')
    .description('write a trained model for use without libtorch')
    .argument('<run>', 'a run folder, a model.safetensors or the folder of an ensemble')
    .option('--format <format>', 'onnx, or safetensors for the weights', 'onnx')
    .option('--out <file>', 'where to; left out: model.onnx beside the weights; of an ensemble a folder')
    .option('--precision <name>', 'float32; float16: half the size; int8: a quarter, and faster', 'float32')
    .option('--max-auc-loss <x>', 'most that a smaller precision may cost in macro AUC', DEFAULT_AUC_LOSS)
    .option('--threads <n>', 'threads of the check')
    .option('--no-ood', 'leave out what tells images of another kind, which looks at up to 1,500 of the run')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The file carries labels, preprocessing, thresholds and recipe. Before it is written its probabilities are held against
libtorch's for batches of 1 and 7 validation images; where they differ by more than 0.0001 nothing is written. Where the
run's images are still there, the file also learns what they look like, so that predict can tell images of another kind.
Of an ensemble each member is written; predict takes them all and gives the mean of their probabilities.

A smaller precision is measured on the run's validation images; where the macro AUC falls by more than --max-auc-loss nothing
is written.

Examples:
  plurad export runs/chexnet
  plurad export runs/chexnet --precision int8 --out small.onnx
  plurad export runs/chexnet --out chexnet.onnx
  plurad predict chexnet.onnx image.png`,
    )
    .action(async (run: string, flags: Flags) => {
      const choice = parseChoice(flags)
      const members = await ensembleMembers(run)
      if (members === null) {
        await exportRun(run, flags.out ?? join(folderOf(run), defaultName(choice)), choice, flags)
        return
      }
      const folder = flags.out ?? join(run, 'models')
      if (folder.endsWith(`.${choice.format}`))
        throw new UsageError(`export: ${run} is an ensemble: name a folder for its models with --out`)
      makeFolder(folder)
      const files = members.map((member, i) => join(folder, `${i + 1}-${basename(member)}.${choice.format}`))
      for (const [i, member] of members.entries()) await exportRun(member, files[i], choice, flags)
      if (choice.format === 'onnx')
        process.stderr.write(
          `Together: plurad predict ${(flags.out === undefined ? [run] : files).map(shellWord).join(' ')} image.png gives the ` +
            'mean of their probabilities.\n',
        )
    })
}

interface Choice {
  format: ExportFormat
  threads: number | null
  /** Null for single precision. */
  precision: Omit<SmallerPrecision, 'images'> | null
}

/** Throws `UsageError`. */
function parseChoice(flags: Flags): Choice {
  if (!FORMATS.includes(flags.format))
    throw new UsageError(`export: --format ${flags.format}: expected ${FORMATS.join(' or ')}`)
  const threads = parseThreads('export', flags.threads)
  return { format: flags.format as ExportFormat, threads, precision: parsePrecision(flags) }
}

/** A smaller precision does not take the place of the run's own model. */
function defaultName({ format, precision }: Choice): string {
  return precision === null ? `model.${format}` : `model.${precision.name}.${format}`
}

async function exportRun(run: string, out: string, choice: Choice, flags: Flags): Promise<void> {
  const { format, threads, precision } = choice
  if (!out.endsWith(`.${format}`))
    throw new UsageError(`export: --out ${out}: expected a name that ends in .${format}`)
  if (
    existsSync(out) &&
    resolve(out) === resolve(run, run.endsWith('.safetensors') ? '' : 'model.safetensors')
  )
    throw new UsageError(`export: ${out} is the model itself: name another file with --out`)
  const found = format === 'onnx' ? await imagesOf(run) : null
  const images = flags.ood ? knownImages(found) : null
  const checkedOn = found === null || 'reason' in found ? null : found.validation
  const smaller = precision === null ? null : { ...precision, images: neededImages(found, precision) }
  // Loads libtorch: not before the flags are known to be right.
  const { exportModel } = await import('../export/export.js')
  const progress = new Progress()
  const exported = await exportModel({
    ...{ model: run, out, format, threads, images, checkedOn, precision: smaller },
    onProgress: (done, total) => progress.update(`Looking at ${bar(done / total)} ${done}/${total} images`),
  })
  progress.clear()
  if (images !== null && exported.knownKind === null) noteUnknown('it has too few images')
  print(exported, format, flags)
}

/** Null for single precision. Throws `UsageError`. */
function parsePrecision({ precision, maxAucLoss, format }: Flags): Choice['precision'] {
  if (!PRECISIONS.includes(precision))
    throw new UsageError(`export: --precision ${precision}: expected ${PRECISIONS.join(', ')}`)
  const most = Number(maxAucLoss)
  if (maxAucLoss.trim() === '' || !(most >= 0 && most <= 1))
    throw new UsageError(`export: --max-auc-loss ${maxAucLoss}: expected a number from 0 to 1`)
  if (precision === 'float32') return null
  if (format !== 'onnx') throw new UsageError(`export: --precision ${precision} is for --format onnx`)
  return { name: precision as SmallerPrecision['name'], maxAucLoss: most }
}

function print(exported: Exported, format: string, { json = false }: Flags): void {
  const { file, bytes, outputs, difference, checkedOn, info, knownKind, precision } = exported
  if (json) {
    const { labels } = info
    process.stdout.write(
      `${JSON.stringify({ file, format, bytes, outputs, labels, difference, checked_on: checkedOn, precision, known_kind: knownKindCounts(knownKind) })}\n`,
    )
    return
  }
  process.stdout.write(
    `${file}: ${(bytes / 1e6).toFixed(1)} MB, ${info.labels.length} labels` +
      `${difference === null ? '' : `, ${precision === null ? '' : 'in single precision '}within ${difference.toExponential(1)} of libtorch in probability on ${checkedOn === 'images' ? 'validation images' : 'random pixels'}`}\n`,
  )
  if (precision === null) return
  const {
    bytes_float32: whole,
    milliseconds_float32: before,
    milliseconds: now,
    auc_float32: auc,
  } = precision
  process.stdout.write(
    `${precision.precision}: ${(precision.bytes / 1e6).toFixed(1)} of ${(whole / 1e6).toFixed(1)} MB, ` +
      `${now.toFixed(1)} instead of ${before.toFixed(1)} ms an image, macro AUC ${precision.auc.toFixed(4)} instead of ` +
      `${auc.toFixed(4)} on ${precision.images} validation images, probabilities ${precision.mean_difference.toFixed(4)} apart ` +
      `on average and ${precision.largest_difference.toFixed(4)} at most\n`,
  )
}

function knownKindCounts(kind: Exported['knownKind']): Exported['knownKind'] {
  return kind === null ? null : { training: kind.training, validation: kind.validation }
}

type Found = JudgedImages | { reason: string } | null

async function imagesOf(run: string): Promise<Found> {
  const { runImages } = await import('./run-images.js')
  return runImages(folderOf(run))
}

/** Null, with a note, where they are not to be had. */
function knownImages(found: Found): JudgedImages | null {
  if (found === null || !('reason' in found)) return found
  noteUnknown(found.reason)
  return null
}

/** @throws ExportError where they are not to be had */
function neededImages(found: Found, { name }: Pick<SmallerPrecision, 'name'>): JudgedImages {
  if (found !== null && !('reason' in found)) return found
  throw new ExportError(
    `--precision ${name} is measured on the images of the run, which are missing: ${found?.reason ?? 'no run'}. ` +
      'Export where they are, or in float32.',
  )
}

function noteUnknown(reason: string): void {
  process.stderr.write(
    `Note: the model will not tell images of another kind than its own: ${reason.replace(/\.$/, '')}.\n`,
  )
}

function folderOf(run: string): string {
  const isFolder = existsSync(run) && statSync(run).isDirectory()
  return isFolder || !basename(run).endsWith('.safetensors') ? run : dirname(run)
}
