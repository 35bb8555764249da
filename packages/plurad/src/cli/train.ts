import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { UsageError } from '../errors.js'
import { RunFolder } from '../run/folder.js'
import { readMetrics } from '../run/metrics-file.js'
import { bar, duration, Progress } from './progress.js'
import { groupTable, metricsTable } from './metrics-table.js'
import type { TrainOptions } from './train-run.js'

interface Flags {
  data?: string
  out?: string
  set: string[]
  splitFile?: string
  fold?: string
  /** False for --no-pack. */
  pack?: string | false
  resume?: boolean
  strict?: boolean
  allowLeakage?: boolean
  json?: boolean
}

export function register(program: Command): void {
  program
    .command('train')
    .description('train a model by a recipe: fit, choose the best epoch, predict, evaluate, report')
    .argument('[recipe]', 'a recipe file, or the name of one that comes with plurad (see `plurad recipes`)')
    .option('--data <folder|csv>', 'the data set: a folder in a known layout, or a CSV file')
    .option('--out <folder>', 'the run folder to make')
    .option('--set <key=value>', 'change a value of the recipe; may be repeated', collect, [])
    .option(
      '--split-file <path>',
      'use this split: a split.csv, or a folder with train.txt, val.txt, test.txt',
    )
    .option('--fold <n>', 'with a --split-file of folds: the fold of this run, from 1 on')
    .option('--pack <folder>', 'read the images from what plurad data pack made of them')
    .option('--no-pack', 'decode the images although the recipe names a pack')
    .option('--resume', 'go on with the run in --out after a stop')
    .option('--strict', 'stop at the first image that cannot be read instead of skipping it')
    .option('--allow-leakage', 'train although patients are in more than one split')
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      `
Examples:
  plurad train chexnet --data ChestX-ray14 --out runs/chexnet
  plurad train chexnet --data images.csv --out runs/small --set data.size=64 --set training.epochs=10
  plurad train chexnet --data images.csv --split-file folds.csv --fold 1 --out runs/fold1
  plurad train chexnet --data ChestX-ray14 --pack packs/chestx-ray14-224 --out runs/chexnet
  plurad train --resume --out runs/chexnet`,
    )
    .action(async (recipe: string | undefined, flags: Flags) => {
      if (flags.out === undefined)
        throw new UsageError('train: --out <folder> is missing: where should the run go?')
      if (flags.resume !== true && (recipe === undefined || flags.data === undefined)) {
        throw new UsageError(
          'train: a recipe and --data are needed (or --resume to go on with the run in --out)',
        )
      }
      await runTraining(
        {
          recipe,
          data: flags.data,
          out: flags.out,
          changes: [...flags.set, ...splitChanges(flags)],
          pack: flags.pack,
          resume: flags.resume ?? false,
          strict: flags.strict ?? false,
          allowLeakage: flags.allowLeakage ?? false,
        },
        flags.json ?? false,
      )
    })
}

/** The flags for the split are shorthand for the recipe's `data.split`. */
function splitChanges({ splitFile, fold }: Flags): string[] {
  // A path is quoted: YAML would otherwise read `#`, `: ` and the like in it.
  return [
    ...(splitFile === undefined ? [] : [`data.split.file=${JSON.stringify(splitFile)}`]),
    ...(fold === undefined ? [] : [`data.split.fold=${fold}`]),
  ]
}

/** Where the weights that were tested come from; of an ensemble there is nothing to say. */
function weightsOf(bestEpoch: number | null, stages: number): string {
  if (stages > 1) return `, after ${stages} stages`
  return bestEpoch === null ? '' : `, weights of epoch ${bestEpoch}`
}

/** Ctrl-C, a scheduler that wants its machine back, a closed terminal. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function collect(value: string, previous: string[]): string[] {
  return [...previous, value]
}

/** Trains with progress on stderr and the outcome on stdout; sets the exit code where it was stopped. */
export async function runTraining(options: TrainOptions, json: boolean): Promise<void> {
  const progress = new Progress({ quiet: json })
  const abort = new AbortController()
  let asked = false
  let stages = 1
  const interrupt = (): void => {
    if (asked) process.exit(130)
    asked = true
    progress.line('Stopping after this step and writing a checkpoint … (Ctrl-C again to stop at once)')
    abort.abort()
  }
  for (const signal of STOP_SIGNALS) process.on(signal, interrupt)
  try {
    // Loaded here: recipes know the models, which need the engine, and the other commands must run without one.
    const { train } = await import('./train-run.js')
    const outcome = await train(options, {
      signal: abort.signal,
      onNote: (text) => progress.line(text),
      onMessage: (message) => {
        switch (message.kind) {
          case 'started':
            progress.line(
              `Model       ${(message.parameters / 1e6).toFixed(2)} million parameters, ${message.precision} on ` +
                `${message.device}, ${message.threads} thread(s), libtorch ${message.engine}`,
            )
            if (message.resumedAt !== null) progress.line(`Going on with epoch ${message.resumedAt}.`)
            break
          case 'batch': {
            progress.update(
              `Epoch ${message.epoch}/${message.epochs} ${bar(message.batch / message.batches)} ` +
                `${message.batch}/${message.batches}  loss ${message.loss.toFixed(4)}  ` +
                `${message.imagesPerSecond.toFixed(1)} images/s  ${duration(message.secondsLeft)} left in epoch`,
            )
            break
          }
          case 'stage':
            stages = message.count
            progress.line(`Stage ${message.index}/${message.count}   ${message.name}`)
            break
          case 'evaluating':
            progress.update(
              `Predicting ${message.split} ${bar(message.done / message.total)} ${message.done}/${message.total}`,
            )
            break
          case 'epoch':
            progress.line(
              `Epoch ${String(message.epoch).padStart(String(message.epochs).length)}/${message.epochs}  ` +
                `${duration(message.seconds)}  train loss ${message.trainLoss.toFixed(4)}  ` +
                `val loss ${message.valLoss?.toFixed(4) ?? '-'}  val AUC ${message.valAuc?.toFixed(4) ?? '-'}  ` +
                `rate ${message.learningRate.toExponential(1)}${message.best ? '  *' : ''}`,
            )
            break
          case 'note':
            progress.line(message.text)
        }
      },
    })
    progress.clear()
    if (!outcome.finished) {
      progress.line(
        `Stopped after ${outcome.epochs} finished epoch(s). Go on with:\n  plurad train --resume --out ${options.out}`,
      )
      process.exitCode = 130
    }
    if (json) {
      process.stdout.write(`${JSON.stringify(outcome)}\n`)
      return
    }
    if (!outcome.finished) return
    const metrics = await readMetrics(outcome.folder)
    const { card } = new RunFolder(outcome.folder)
    process.stdout.write(
      `\nTest split, ${metrics.test.images} images${weightsOf(outcome.bestEpoch, stages)}\n\n` +
        `${metricsTable(metrics.test)}\n\n` +
        (metrics.test.groups === undefined ? '' : `${groupTable(metrics.test, metrics.test.intervals)}\n\n`) +
        (outcome.skipped > 0
          ? `Skipped     ${outcome.skipped} image(s), listed in ${outcome.folder}/skipped.csv\n`
          : '') +
        (outcome.warnings > 0
          ? `Warnings    for ${outcome.warnings} image(s), listed in ${outcome.folder}/warnings.csv\n`
          : '') +
        `Run         ${outcome.folder}\nReport      ${outcome.report}\n` +
        (existsSync(card) ? `Model card  ${card}\n` : ''),
    )
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, interrupt)
  }
}
