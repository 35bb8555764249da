import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { RunError, UsageError } from '../errors.js'
import { makeFolder, writeFileAtomic } from '../files.js'
import {
  alignPredictions,
  combinePredictions,
  ENSEMBLE_METHODS,
  ensembleWeights,
  evaluateMultilabel,
  maxF1Thresholds,
  type EnsembleMethod,
  type EnsembleWeights,
} from '../metrics/index.js'
import { writePredictions, type Predictions } from '../metrics/predictions.js'
import { RunFolder } from '../run/folder.js'
import { bootstrapChoice, bootstrapOptions, type BootstrapFlags } from './bootstrap-flags.js'
import { judge } from './judge.js'
import { metricsTable, overallTable } from './metrics-table.js'
import { readSavedPredictions, readValidation } from './prediction-files.js'
import { Progress } from './progress.js'

interface Flags extends BootstrapFlags {
  out: string
  method: string
  labels?: string
  force?: boolean
  json?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('ensemble')
    .description('put the predictions of several models together')
    .argument('<run...>', 'run folders, or predictions as CSV or NPZ, of the same images')
    .requiredOption(
      '--out <folder>',
      'write predictions, metrics.json and ensemble.json there, as a run has them',
    )
    .option(
      '--method <name>',
      'mean; weighted, for each label by the validation split; rank; max: the highest probability',
      'mean',
    )
    .option('--labels <names>', 'label names of an NPZ file that has none, with commas between')
    .option('--force', 'write over an ensemble that is there')
  bootstrapOptions(command)
    .option('--json', 'print the metrics as JSON')
    .addHelpText(
      'after',
      `
Examples:
  plurad ensemble runs/densenet runs/resnet runs/swin --out runs/ensemble
  plurad ensemble runs/a runs/b --method weighted --out runs/weighted --bootstrap 2000`,
    )
    .action(async (members: string[], flags: Flags) => {
      const method = ENSEMBLE_METHODS.find((name) => name === flags.method)
      if (method === undefined) {
        throw new UsageError(`ensemble: --method ${flags.method}: expected ${ENSEMBLE_METHODS.join(', ')}`)
      }
      const choice = bootstrapChoice('ensemble', flags)
      if (members.length < 2) throw new UsageError('ensemble: name at least two runs')
      const folder = new RunFolder(flags.out)
      if (existsSync(folder.root) && !(flags.force && existsSync(ensembleFile(folder)))) {
        throw new RunError(
          `${folder.root} exists. Choose another folder with --out${existsSync(ensembleFile(folder)) ? ', or write over it with --force' : ''}.`,
        )
      }
      const { test, val, weights } = await combine(members, method, flags.labels)
      const thresholds = val === null ? null : maxF1Thresholds(val)
      const progress = new Progress()
      const { metrics } = judge(
        {
          predictions: test,
          thresholds,
          validation: val,
          trainingCounts: null,
          point: null,
          calibration: null,
          bootstrap: choice,
        },
        (done, of) => {
          progress.update(`Bootstrap ${done} of ${of}`)
        },
      )
      progress.clear()
      makeFolder(join(folder.root, 'predictions'))
      await writePredictions(folder.predictions('test'), test)
      if (val !== null) await writePredictions(folder.predictions('val'), val)
      const validated = val === null ? null : evaluateMultilabel(val, thresholds ?? undefined)
      await writeJson(folder.metrics, { best_epoch: null, val: validated, test: metrics })
      await writeJson(ensembleFile(folder), { method, members, labels: test.labels, weights })
      if (flags.json) {
        process.stdout.write(`${JSON.stringify({ method, members, weights, test: metrics }, null, 2)}\n`)
        return
      }
      process.stdout.write(
        `${members.length} models by ${method}: ${metrics.images} images\n\n${metricsTable(metrics, metrics.intervals)}\n\n` +
          `${overallTable(metrics, metrics.intervals)}\n\nWritten to ${flags.out}\n`,
      )
    })
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
): Promise<Combined> {
  const test = await Promise.all(locations.map((member) => readSavedPredictions(member, 'test', labels)))
  const validations = await Promise.all(locations.map(readValidation))
  const found = validations.filter((predictions) => predictions !== null)
  const without = locations.filter((_, i) => validations[i] === null)
  if (method === 'weighted' && without.length > 0) {
    throw new UsageError(
      `ensemble: --method weighted fits weights on validation predictions, which ${without[0]} has not: name run folders, ` +
        'or take --method mean',
    )
  }
  const val = without.length > 0 ? null : alignPredictions(found, locations)
  const weights = method === 'weighted' && val !== null ? ensembleWeights(val) : null
  const together = (members: readonly Predictions[]): Predictions =>
    combinePredictions(members, method, weights ?? undefined)
  return {
    test: together(alignPredictions(test, locations)),
    val: val === null ? null : together(val),
    weights,
  }
}

function ensembleFile(folder: RunFolder): string {
  return join(folder.root, 'ensemble.json')
}

async function writeJson(file: string, content: unknown): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(content, null, 2)}\n`)
}
