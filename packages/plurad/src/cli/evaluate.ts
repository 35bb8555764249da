import type { Command } from 'commander'
import { UsageError } from '../errors.js'
import { CALIBRATION_METHODS, compareMethods, evaluateSubgroups, type Comparison } from '../metrics/index.js'
import { judge, type BootstrapChoice } from '../metrics/judge.js'
import type { Predictions } from '../metrics/predictions.js'
import { bootstrapChoice, bootstrapOptions } from './bootstrap-flags.js'
import { collect } from './data/dataset-flags.js'
import {
  calibrationMethod,
  checkSplitName,
  chosenCorruptions,
  DEFAULT_BOOTSTRAP,
  type EvaluateFlags,
} from './evaluate/flags.js'
import { checkTuning, toBeJudged, type Judged } from './evaluate/judged.js'
import {
  checkOut,
  jsonOf,
  keepRobustness,
  textOf,
  writeEvaluation,
  type Evaluation,
} from './evaluate/output.js'
import { reportEvaluation } from './evaluate/report.js'
import { corruptionSpecs, robustnessOf } from './evaluate/robustness.js'
import { seedTables, summariseRuns } from './evaluate/seeds.js'
import { attributesOf, checkBy } from './evaluate/subgroups.js'
import { parseOperatingPoint } from './operating-point.js'
import { Progress } from './progress.js'
import { TTA_HELP, ttaViews } from './tta.js'

export function register(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure a trained model on a data set, or predictions that were made before')
    .argument('[model...]', 'a run folder, a model.safetensors or a .onnx file; several runs with --seeds')
    .option('--data <folder|csv>', "the data set; a run folder's own when left out")
    .option('--set <key=value>', 'with --data: a setting of its adapter; may be repeated', collect, [])
    .option(
      '--split <name>',
      "train, val or test of the run's own split, or all rows (default: test of a run's own data)",
    )
    .option(
      '--predictions <run|csv|npz>',
      'instead of a model: scores and truth that were saved, here or elsewhere',
    )
    .option('--labels <names>', 'label names of an NPZ file that has none, with commas between')
    .option('--validation <csv|npz>', "predictions to tune on (default: a run folder's predictions/val.csv)")
    .option(
      '--operating-point <rule>',
      'thresholds by youden, max_f1, sensitivity=0.9 or specificity=0.9 on the validation split, or one such as 0.5',
    )
    .option(
      '--calibrate <method>',
      `${CALIBRATION_METHODS.join(', ')}: calibrate on the validation split first; none: not even as the model does`,
    )
    .option(
      '--by <names>',
      'also judge groups: sex, age, view, or columns of --metadata, with commas between',
    )
    .option('--metadata <table>', 'a table with one row an image, for --by')
    .option(
      '--corruptions [names]',
      'also judge images with noise, blur, contrast and jpeg of rising severity; some, with commas between',
    )
    .option('--tta <views>', TTA_HELP)
    .option('--seeds', 'summarise runs that differ by their seed, by their saved predictions')
  bootstrapOptions(command)
    .option(
      '--out <folder>',
      'also write predictions, metrics.json and the like, and the lists skipped.csv and warnings.csv there',
    )
    .option('--report <html>', 'also write a report with curves, calibration and cases')
    .option('--json', 'print the metrics as JSON')
    .option('--device <device>', 'auto, cpu, cuda or cuda:N', 'auto')
    .addHelpText(
      'after',
      `
Examples:
  plurad evaluate runs/chexnet
  plurad evaluate runs/chexnet --data other-hospital.csv --out results
  plurad evaluate model.onnx --data CheXpert-v1.0-small --set policy=u-ignore
  plurad evaluate runs/chexnet --bootstrap 2000 --operating-point sensitivity=0.9 --calibrate platt
  plurad evaluate runs/chexnet --by sex,age,device --metadata devices.csv
  plurad evaluate runs/chexnet --corruptions noise,jpeg --tta shifts
  plurad evaluate --predictions elsewhere.npz --bootstrap 2000 --operating-point 0.5
  plurad evaluate runs/seed-0 runs/seed-1 runs/seed-2 --seeds`,
    )
    .action(async (models: string[], flags: EvaluateFlags) => {
      checkSplitName(flags.split)
      if (flags.seeds) await evaluateSeeds(models, flags)
      else if (models.length > 1)
        throw new UsageError('evaluate: one model at a time; --seeds summarises several runs of one method')
      else await evaluateOne(models[0], flags)
    })
}

async function evaluateSeeds(runs: readonly string[], flags: EvaluateFlags): Promise<void> {
  const { level } = bootstrapChoice('evaluate', { ...flags, bootstrap: '1' }) ?? DEFAULT_BOOTSTRAP
  const summary = await summariseRuns(runs, flags.split ?? 'test', flags.labels, level)
  process.stdout.write(`${flags.json ? JSON.stringify(summary, null, 2) : seedTables(summary, level)}\n`)
}

async function evaluateOne(model: string | undefined, flags: EvaluateFlags): Promise<void> {
  const corrupted = chosenCorruptions(flags.corruptions)
  const views = ttaViews('evaluate', flags.tta)
  const wanted = corrupted.length > 0 || views !== null || flags.by !== undefined
  const choice = bootstrapChoice('evaluate', flags) ?? (wanted ? DEFAULT_BOOTSTRAP : null)
  const point = flags.operatingPoint === undefined ? null : parseOperatingPoint(flags.operatingPoint)
  const calibration = calibrationMethod(flags.calibrate)
  checkOut(flags.out)
  checkBy(flags)
  const variations = [...corruptionSpecs(corrupted), ...(views === null ? [] : [views])]
  const judged = await toBeJudged(model, flags, variations)
  checkTuning(judged, point, calibration !== null && calibration !== 'none')
  const attributes = await attributesOf(flags, judged)
  const progress = new Progress()
  const onProgress = (done: number, of: number): void => progress.update(`Bootstrap ${done} of ${of}`)
  const ofViews = views === null ? undefined : judged.varied.at(-1)
  const scores = ofViews === undefined ? judged.predictions : { ...judged.predictions, scores: ofViews }
  const judgement = judge(
    { ...judged, predictions: scores, point, calibration, bootstrap: choice },
    onProgress,
  )
  const subgroups =
    attributes.length === 0
      ? null
      : evaluateSubgroups(judgement.calibrated, attributes, {
          thresholds: judgement.thresholds ?? undefined,
          groups: judgement.groups ?? undefined,
          bootstrap: choice,
          onProgress: (group, done, of) => progress.update(`${group}: bootstrap ${done} of ${of}`),
        })
  const evaluation: Evaluation = {
    ...judgement,
    scores,
    subgroups,
    tta: ofViews === undefined ? null : comparedViews(judged, scores, flags.tta ?? '', choice, onProgress),
    robustness:
      corrupted.length === 0
        ? null
        : robustnessOf(judged, judged.varied, corrupted, choice ?? DEFAULT_BOOTSTRAP),
  }
  progress.clear()
  if (flags.out !== undefined) await writeEvaluation(flags.out, judged, evaluation)
  if (flags.report !== undefined) await reportEvaluation(flags.report, judged, evaluation)
  const kept = await keepRobustness(judged, evaluation)
  process.stdout.write(`${flags.json ? jsonOf(evaluation) : textOf(judged, evaluation)}\n`)
  if (kept !== null) process.stderr.write(`${kept}\n`)
  sayUnreadable(judged)
}

/** The images as they are against all views, on the same samples of the patients. */
function comparedViews(
  { predictions }: Judged,
  ofViews: Predictions,
  names: string,
  choice: BootstrapChoice | null,
  onProgress: (done: number, of: number) => void,
): Comparison {
  return compareMethods(
    [
      { name: 'the images alone', seeds: [{ predictions }] },
      { name: `with ${names}`, seeds: [{ predictions: ofViews }] },
    ],
    {
      ...(choice ?? DEFAULT_BOOTSTRAP),
      metrics: ['auc', 'average_precision', 'brier'],
      perLabel: true,
    },
    (_, done, of) => onProgress(done, of),
  )
}

function sayUnreadable({ unreadable }: Judged): void {
  if (unreadable.length === 0) return
  const [{ image, reason }] = unreadable
  process.stderr.write(
    `plurad: ${unreadable.length} image(s) could not be read, the first: ${image}: ${reason}\n`,
  )
  process.exitCode = 1
}
