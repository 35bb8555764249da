/** A run folder whose images are there: phantoms, with predictions made up from the truth. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generatePhantoms } from '../src/data/phantom/index.js'
import { Random } from '../src/data/random.js'
import { openDataset } from '../src/data/sets/open.js'
import { writeSplit } from '../src/data/split-file.js'
import { splitDataset } from '../src/data/split.js'
import { evaluateMultilabel, maxF1Thresholds } from '../src/metrics/index.js'
import { writePredictions, type Predictions } from '../src/metrics/predictions.js'

export async function writePhantomRun(run: string, data: string): Promise<void> {
  await generatePhantoms(data, { count: 60, size: 64, seed: 3 })
  const dataset = await openDataset(data)
  const assignment = splitDataset(dataset, { fractions: { train: 0.4, val: 0.2, test: 0.4 }, seed: 1 })
  const random = new Random(4)
  const predict = (split: string): Predictions => {
    const samples = dataset.samples.filter((_, row) => assignment[row] === split)
    const truth = Float64Array.from(samples.flatMap(({ labels }) => labels.map((value) => value ?? NaN)))
    return {
      labels: dataset.labels,
      images: samples.map(({ image }) => image),
      patients: samples.map(({ patient }) => patient),
      scores: truth.map((present) => 1 / (1 + Math.exp(1 - 1.5 * (present || 0) - random.normal()))),
      truth,
    }
  }
  const [val, test] = [predict('val'), predict('test')]
  const thresholds = maxF1Thresholds(val)
  const metrics = {
    best_epoch: 1,
    val: evaluateMultilabel(val, thresholds),
    test: evaluateMultilabel(test, thresholds),
  }
  await mkdir(join(run, 'predictions'), { recursive: true })
  await writePredictions(join(run, 'predictions', 'val.csv'), val)
  await writePredictions(join(run, 'predictions', 'test.csv'), test)
  await writeSplit(join(run, 'split.csv'), dataset, assignment)
  await writeFile(join(run, 'metrics.json'), JSON.stringify(metrics))
  await writeFile(join(run, 'history.jsonl'), '{"epoch":1,"train_loss":0.5,"val_macro_auc":0.7}\n')
  await writeFile(join(run, 'recipe.yaml'), 'name: made-up\n')
  await writeFile(
    join(run, 'environment.json'),
    JSON.stringify({ data, data_name: dataset.name, data_fingerprint: dataset.fingerprint }),
  )
}
