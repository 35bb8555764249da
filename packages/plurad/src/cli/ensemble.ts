import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { RunError, UsageError } from '../errors.js'
import { ENSEMBLE_METHODS } from '../metrics/index.js'
import { RunFolder } from '../run/folder.js'
import { bootstrapChoice, bootstrapOptions, type BootstrapFlags } from './bootstrap-flags.js'
import { writeEnsemble, type Holdout } from './ensemble-run.js'
import { metricsTable, overallTable } from './metrics-table.js'
import { Progress } from './progress.js'

interface Flags extends BootstrapFlags {
  out: string
  method: string
  labels?: string
  holdout?: string
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
      'mean; weighted, for each label by the validation split; rank; max: the highest probability; vote: the share of ' +
        'models that call it',
      'mean',
    )
    .option('--labels <names>', 'label names of an NPZ file that has none, with commas between')
    .option(
      '--holdout <share>',
      'fit weights and thresholds on this share of the patients, drawn by --seed, and judge the others: for predictions ' +
        'without a validation split',
    )
    .option('--force', 'write over an ensemble that is there')
  bootstrapOptions(command)
    .option('--json', 'print the metrics as JSON')
    .addHelpText(
      'after',
      `
Examples:
  plurad ensemble runs/densenet runs/resnet runs/swin --out runs/ensemble
  plurad ensemble runs/a runs/b --method weighted --out runs/weighted --bootstrap 2000
  plurad ensemble a.npz b.npz --method vote --holdout 0.5 --out vote`,
    )
    .action(async (members: string[], flags: Flags) => {
      const method = ENSEMBLE_METHODS.find((name) => name === flags.method)
      if (method === undefined) {
        throw new UsageError(`ensemble: --method ${flags.method}: expected ${ENSEMBLE_METHODS.join(', ')}`)
      }
      const choice = bootstrapChoice('ensemble', flags)
      if (members.length < 2) throw new UsageError('ensemble: name at least two runs')
      const folder = new RunFolder(flags.out)
      if (existsSync(folder.root) && !(flags.force && existsSync(folder.ensemble))) {
        throw new RunError(
          `${folder.root} exists. Choose another folder with --out${existsSync(folder.ensemble) ? ', or write over it with --force' : ''}.`,
        )
      }
      const progress = new Progress()
      const { metrics, weights } = await writeEnsemble({
        ...{ folder, members, method, labels: flags.labels, bootstrap: choice, holdout: holdoutOf(flags) },
        onProgress: (done, of) => progress.update(`Bootstrap ${done} of ${of}`),
      })
      progress.clear()
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

function holdoutOf({ holdout, seed }: Flags): Holdout | null {
  if (holdout === undefined) return null
  const share = Number(holdout)
  if (share > 0 && share < 1) return { share, seed: Number(seed) }
  throw new UsageError(`ensemble: --holdout ${holdout}: expected a share between 0 and 1, such as 0.5`)
}
