import type { Command } from 'commander'
import { DataError, UsageError } from '../errors.js'
import {
  alignPredictions,
  labelMetricNames,
  maxF1Thresholds,
  type LabelMetricName,
} from '../metrics/index.js'
import { compareMethods, type Comparison, type MethodResult } from '../metrics/comparison.js'
import type { BootstrapChoice } from '../metrics/judge.js'
import type { Predictions } from '../metrics/predictions.js'
import { selectImages } from '../metrics/select.js'
import { bootstrapChoice, bootstrapOptions, type BootstrapFlags } from './bootstrap-flags.js'
import { signedInterval, withInterval } from './metrics-table.js'
import {
  checkSplit,
  nameOf,
  predictionOptions,
  readSavedPredictions,
  readValidation,
  type PredictionFlags,
} from './prediction-files.js'
import { Progress } from './progress.js'
import { decimal, formatTable } from './table.js'

interface Flags extends PredictionFlags, BootstrapFlags {
  metric: string
  perLabel?: boolean
  common?: boolean
  json?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('compare')
    .description('tell whether models differ on the same images, by paired tests')
    .argument(
      '<run...>',
      'the reference first, then the others: run folders, or predictions as CSV or NPZ; seeds of one method with commas between',
    )
    .option(
      '--metric <names>',
      `with commas between, of ${labelMetricNames.join(', ')}`,
      'auc,average_precision',
    )
    .option('--per-label', 'also compare label by label')
    .option('--common', 'compare on the images that all have, where some lack images')
  predictionOptions(command)
  bootstrapOptions(command, '2000')
    .option('--json', 'print the comparison as JSON')
    .addHelpText(
      'after',
      `
Differences are from the first one named. Each sample of the patients is given to all models (paired bootstrap); p values
are corrected for the number of tests by Holm's method.

Examples:
  plurad compare runs/chexnet runs/swin runs/ensemble
  plurad compare runs/bce-0,runs/bce-1,runs/bce-2 runs/asl-0,runs/asl-1,runs/asl-2 --metric average_precision
  plurad compare baseline.csv elsewhere.npz --per-label --json`,
    )
    .action(async (locations: string[], flags: Flags) => {
      const split = checkSplit('compare', flags)
      const metrics = flags.metric.split(',').map(metricName)
      const choice = bootstrapChoice('compare', flags)
      if (choice === null) throw new UsageError('compare: --bootstrap is needed')
      if (locations.length < 2) throw new UsageError('compare: name at least two runs, the reference first')
      const methods = locations.map((location) => location.split(','))
      const files = methods.flat()
      const read = await Promise.all(files.map((file) => readSavedPredictions(file, split, flags.labels)))
      const thresholds = await Promise.all(files.map(thresholdsOf))
      const aligned = alignPredictions(flags.common ? commonImages(read) : read, files)
      const names = methodNames(methods)
      let at = 0
      const progress = new Progress()
      const comparison = compareMethods(
        methods.map((members, i) => ({
          name: names[i],
          seeds: members.map(() => ({ predictions: aligned[at], thresholds: thresholds[at++] })),
        })),
        { ...choice, metrics, perLabel: flags.perLabel ?? false },
        (name, done, of) => {
          progress.update(`${name}: bootstrap ${done} of ${of}`)
        },
      )
      progress.clear()
      if (flags.json) process.stdout.write(`${JSON.stringify(comparison, null, 2)}\n`)
      else process.stdout.write(`${describe(comparison, aligned[0], choice)}\n`)
    })
}

/** The images that all have. Throws `DataError` where there is none. */
function commonImages(all: readonly Predictions[]): Predictions[] {
  const sets = all.map(({ images }) => new Set(images))
  const isCommon = (image: string): boolean => sets.every((set) => set.has(image))
  if (!all[0].images.some(isCommon)) throw new DataError('compare: no image is in all of the predictions.')
  return all.map((predictions) => {
    const rows = [...predictions.images.keys()].filter((row) => isCommon(predictions.images[row]))
    return selectImages(predictions, rows)
  })
}

/** Tuned on the run's own validation split; without one, decisions are not compared. */
async function thresholdsOf(location: string): Promise<(number | null)[] | undefined> {
  const validation = await readValidation(location)
  return validation === null ? undefined : maxF1Thresholds(validation)
}

function metricName(text: string): LabelMetricName {
  const name = labelMetricNames.find((candidate) => candidate === text.trim())
  if (name !== undefined) return name
  throw new UsageError(`compare: --metric ${text.trim()}: expected one of ${labelMetricNames.join(', ')}`)
}

/** Short, and told apart. */
function methodNames(methods: readonly (readonly string[])[]): string[] {
  const short = methods.map(([first, ...more]) => nameOf(first) + (more.length > 0 ? ` +${more.length}` : ''))
  return short.map((name, i) => (short.indexOf(name) === i ? name : `${name} (${i + 1})`))
}

function describe(comparison: Comparison, { images }: Predictions, choice: BootstrapChoice): string {
  const { methods, results, labels } = comparison
  const metrics = [...new Set(results.map(({ metric }) => metric))]
  const tests = results.filter(({ p }) => p !== null).length
  const parts = [
    `${methods.length} models on the same ${images.length} images, differences from ${methods[0]}`,
    ...metrics.map((metric) => meansTable(metric, results)),
  ]
  if (results.some(({ seeds }) => seeds.count > 1)) parts.push(seedTable(results))
  if (labels.length > 0) parts.push(...metrics.map((metric) => labelTable(metric, labels)))
  parts.push(
    `Intervals: ${100 * choice.level} %, ${choice.method}, ${choice.repetitions} samples of patients. p: paired bootstrap.\n` +
      `Holm: p corrected for ${tests} tests${labels.length > 0 ? '; of labels, for all tests of labels' : ''}.`,
  )
  return parts.join('\n\n')
}

function meansTable(metric: string, results: readonly MethodResult[]): string {
  const rows = results
    .filter((result) => result.metric === metric)
    .map((result) => [cut(result.method, 36), ...cellsOf(result)])
  return formatTable([`mean ${metric}`, 'value', 'difference', 'p', 'Holm'], rows)
}

function labelTable(metric: string, results: readonly MethodResult[]): string {
  const rows = results
    .filter((result) => result.metric === metric)
    .map((result) => [cut(result.label ?? '', 18), cut(result.method, 16), ...cellsOf(result)])
  return formatTable([metric, 'model', 'value', 'difference', 'p', 'Holm'], rows)
}

function cellsOf({ value, interval, difference, difference_interval, p, p_holm }: MethodResult): string[] {
  return [
    withInterval(value, interval),
    difference === null ? '' : signedInterval(difference, difference_interval),
    p === null ? '' : pText(p),
    p_holm === null ? '' : pText(p_holm),
  ]
}

function seedTable(results: readonly MethodResult[]): string {
  const rows = results.map(({ metric, method, seeds, p_seeds }) => [
    metric,
    cut(method, 28),
    seeds.count,
    `${decimal(seeds.mean)} ± ${decimal(seeds.deviation)}`,
    `${decimal(seeds.lowest)} to ${decimal(seeds.highest)}`,
    p_seeds === null ? '' : pText(p_seeds),
  ])
  return formatTable(['over seeds', 'model', 'seeds', 'mean ± sd', 'range', 'p (paired t)'], rows)
}

function pText(p: number): string {
  return p < 0.001 ? '<0.001' : decimal(p)
}

function cut(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name
}
