import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Dataset, Sample, Split } from '../data/dataset.js'
import { openDataset } from '../data/sets/open.js'
import { readSplit } from '../data/split-file.js'
import { UsageError } from '../errors.js'
import { makeFolder, writeFileAtomic } from '../files.js'
import { evaluateMultilabel } from '../metrics/index.js'
import { readEnvironment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import { writePredictions } from '../metrics/predictions.js'
import { metricsTable } from './metrics-table.js'
import { checkDevice, infer } from './predict.js'

interface Flags {
  data?: string
  split: string
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
    .option('--split <name>', "train, val or test of the run's own split, or all rows", 'all')
    .option('--out <folder>', 'also write predictions.csv and metrics.json there')
    .option('--json', 'print the metrics as JSON')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .addHelpText(
      'after',
      `
Examples:
  plurad evaluate runs/chexnet --split test
  plurad evaluate runs/chexnet --data other-hospital.csv --out results`,
    )
    .action(async (model: string, flags: Flags) => {
      if (!SPLITS.includes(flags.split)) {
        throw new UsageError(`evaluate: --split ${flags.split}: expected one of ${SPLITS.join(', ')}`)
      }
      const device = checkDevice('evaluate', flags.device)
      const folder = new RunFolder(model)
      const own = readEnvironment(folder.environment)
      const location = flags.data ?? own?.data
      if (location === undefined) throw new UsageError('evaluate: --data is needed for a model file')
      const dataset = await openDataset(location)
      const samples = await chooseSamples(dataset, flags.split, folder)
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
          `${dataset.name}, ${flags.split}: ${metrics.images} images\n\n${metricsTable(metrics)}\n`,
        )
        if (unreadable.length > 0)
          process.stdout.write(`\n${unreadable.length} image(s) could not be read.\n`)
      }
    })
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
