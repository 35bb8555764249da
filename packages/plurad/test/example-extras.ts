/** What some runs have beside the common files, for a run that `writeExampleRun` wrote. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Random } from '../src/data/random.js'
import { evaluateMultilabel, evaluateSubgroups, maxF1Thresholds } from '../src/metrics/index.js'
import { judge } from '../src/metrics/judge.js'
import { readPredictions } from '../src/metrics/predictions.js'
import { measureRobustness } from '../src/metrics/robustness.js'

const CHOICE = { repetitions: 60, seed: 0, method: 'percentile', level: 0.95 } as const

/** Stages, calibration, classifier norms, subgroups and robustness. */
export async function writeExampleExtras(folder: string): Promise<void> {
  const json = (name: string, content: unknown): Promise<void> =>
    writeFile(join(folder, name), JSON.stringify(content))
  const [val, test] = await Promise.all(
    ['val', 'test'].map((split) => readPredictions(join(folder, 'predictions', `${split}.csv`))),
  )
  const thresholds = maxF1Thresholds(val)
  const judged = judge({
    predictions: test,
    thresholds: null,
    validation: val,
    trainingCounts: null,
    point: { rule: 'youden' },
    calibration: 'platt',
    bootstrap: CHOICE,
  })
  await json('metrics.json', {
    best_epoch: 2,
    val: evaluateMultilabel(val, thresholds),
    test: judged.metrics,
  })

  const random = new Random(11)
  const sexes = test.images.map(() => (random.chance(0.1) ? null : random.chance(0.55) ? 'M' : 'F'))
  const views = test.images.map(() => (random.chance(0.04) ? 'LL' : random.chance(0.6) ? 'PA' : 'AP'))
  const attributes = [
    { name: 'sex', values: sexes },
    { name: 'view', values: views },
  ]
  await json('subgroups.json', evaluateSubgroups(judged.calibrated, attributes, { bootstrap: CHOICE }))

  const noisy = (level: number): Float64Array =>
    test.scores.map((score) => {
      const noise = new Random(5, Math.round(score * 1e9))
      return 1 / (1 + Math.exp(-Math.log(score / (1 - score)) - level * noise.normal()))
    })
  const levels = [1, 2, 3].map((level) => ({ amount: level / 10, scores: noisy(level) }))
  const corrupted = ['noise', 'blur'].map((name) => ({ name, amount: 'standard deviation', levels }))
  await json('robustness.json', measureRobustness(test, corrupted, CHOICE))

  const frequency = test.labels.map((_, c) => Math.round(2000 * 0.6 ** c))
  await json('classifier-norms.json', {
    labels: test.labels,
    before: frequency.map((count) => 0.6 + 0.15 * Math.log(1 + count)),
    after: frequency.map((_, c) => 1.4 + 0.05 * Math.sin(c)),
    frequency,
  })

  const file = join(folder, 'history.jsonl')
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  const epochs = lines.map((line) => JSON.parse(line) as { epoch: number; learning_rate: number })
  const second = epochs.slice(0, 6).map((epoch) => ({ ...epoch, learning_rate: 1e-5 }))
  const rows = [
    ...epochs.slice(0, 9).map((epoch) => ({ stage: '1-supervised', ...epoch })),
    ...second.map((epoch) => ({ stage: '2-ldrnet', ...epoch })),
  ]
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  await json('stages.json', [
    { name: '1-supervised', epochs: 9, best_epoch: 7 },
    { name: '2-ldrnet', epochs: 6, best_epoch: 2 },
  ])
}
