import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Dataset, Sample, Split } from '../data/dataset.js'
import { openDataset } from '../data/sets/open.js'
import { readSplit } from '../data/split-file.js'
import { DataError, UsageError } from '../errors.js'
import { makeFolder, writeFileAtomic } from '../files.js'
import { evaluateMultilabel } from '../metrics/index.js'
import { readEnvironment, type Environment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import { writePredictions } from '../metrics/predictions.js'
import { metricsTable } from './metrics-table.js'
import { checkDevice, infer } from './predict.js'

interface Flags {
  data?: string
  split?: string
  out?: string
  json?: boolean
  device: string
}

const SPLITS = ['all', 'train', 'val', 'test']

export function register(program: Command): void {
  program
    .command('evaluate')
    .description('measure a trained model on a data set')
    .argument('<model>', 'a run folder or a model.safetensors')
    .option('--data <folder|csv>', "the data set; a run folder's own when left out")
    .option(
      '--split <name>',
      "train, val or test of the run's own split, or all rows (default: test of a run's own data)",
    )
    .option('--out <folder>', 'also write predictions.csv and metrics.json there')
    .option('--json', 'print the metrics as JSON')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .addHelpText(
      'after',
      `
Examples:
  plurad evaluate runs/chexnet
  plurad evaluate runs/chexnet --data other-hospital.csv --out results`,
    )
    .action(async (model: string, flags: Flags) => {
      if (flags.split !== undefined && !SPLITS.includes(flags.split)) {
        throw new UsageError(`evaluate: --split ${flags.split}: expected one of ${SPLITS.join(', ')}`)
      }
      const device = checkDevice('evaluate', flags.device)
      const folder = new RunFolder(model)
      const own = readEnvironment(folder.environment)
      const location = flags.data ?? own?.data
      if (location === undefined) throw new UsageError('evaluate: --data is needed for a model file')
      // A model knows its training images: on the data it was made from, only the test split says anything.
      const split = flags.split ?? (flags.data === undefined ? 'test' : 'all')
      const dataset = await openOwnOrOther(location, flags.data === undefined ? own : null)
      const samples = await chooseSamples(dataset, split, folder)
      if (flags.data === undefined && split !== 'test') {
        process.stderr.write(
          `Note: ${split === 'all' ? 'all rows include' : `the ${split} split is`} data that the model was made with.\n`,
        )
      }
      const { info, predictions, unreadable } = await infer({
        model,
        samples,
        labels: dataset.labels,
        batchSize: 32,
        threads: null,
        device,
        strict: false,
      })
      const metrics = evaluateMultilabel(predictions, info.thresholds)
      if (flags.out !== undefined) {
        makeFolder(flags.out)
        await writePredictions(join(flags.out, 'predictions.csv'), predictions)
        await writeFileAtomic(join(flags.out, 'metrics.json'), `${JSON.stringify(metrics, null, 2)}\n`)
      }
      if (flags.json) process.stdout.write(`${JSON.stringify(metrics, null, 2)}\n`)
      else {
        process.stdout.write(
          `${dataset.name}, ${split}: ${metrics.images} images\n\n${metricsTable(metrics)}\n`,
        )
      }
      if (unreadable.length > 0) {
        process.stderr.write(
          `plurad: ${unreadable.length} image(s) could not be read, the first: ${unreadable[0].image}: ${unreadable[0].reason}\n`,
        )
        process.exitCode = 1
      }
    })
}

/** The run's own data set, with the run's labels and unchanged since, or another one. */
async function openOwnOrOther(location: string, own: Environment | null): Promise<Dataset> {
  if (own === null) return openDataset(location)
  const dataset = await openDataset(location, { labels: own.labels })
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
