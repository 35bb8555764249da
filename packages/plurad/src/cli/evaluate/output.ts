/** What an evaluation prints and writes. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RunError } from '../../errors.js'
import { makeFolder, writeFileAtomic } from '../../files.js'
import type { Comparison } from '../../metrics/index.js'
import type { JudgedMetrics, Judgement } from '../../metrics/judge.js'
import { writePredictions, type Predictions } from '../../metrics/predictions.js'
import type { Robustness } from '../../metrics/robustness.js'
import type { Subgroups } from '../../metrics/subgroups.js'
import { RunFolder } from '../../run/folder.js'
import { groupTable, metricsTable, overallTable, signedInterval, withInterval } from '../metrics-table.js'
import { writeNotes } from '../notes.js'
import { formatTable } from '../table.js'
import { wrapped } from '../wrap.js'
import type { Judged } from './judged.js'
import { robustnessTable } from './robustness.js'
import { subgroupTables } from './subgroups.js'

/** All that was found out. */
export interface Evaluation extends Judgement {
  /** Scores before calibration; with `--tta`, those of all views. */
  scores: Predictions
  subgroups: Subgroups | null
  robustness: Robustness | null
  /** The images as they are against all views. */
  tta: Comparison | null
}

/** Refuses a folder that holds a run, whose own files would be written over. */
export function checkOut(out: string | undefined): void {
  if (out === undefined || !new RunFolder(out).begun) return
  throw new RunError(`--out ${out} holds a run, whose metrics.json would be lost. Choose another folder.`)
}

export async function writeEvaluation(
  out: string,
  { unreadable, warnings }: Judged,
  { metrics, calibration, scores, calibrated, subgroups, robustness, tta }: Evaluation,
): Promise<void> {
  makeFolder(out)
  const json = (name: string, content: unknown): Promise<void> =>
    writeFileAtomic(join(out, name), `${JSON.stringify(content, null, 2)}\n`)
  await writePredictions(join(out, 'predictions.csv'), scores)
  if (calibration !== null) await writePredictions(join(out, 'predictions-calibrated.csv'), calibrated)
  await json('metrics.json', metrics)
  if (subgroups !== null) await json('subgroups.json', subgroups)
  if (robustness !== null) await json('robustness.json', robustness)
  if (tta !== null) await json('tta.json', tta)
  if (warnings === null) return
  await writeNotes(join(out, 'skipped.csv'), 'reason', unreadable)
  await writeNotes(join(out, 'warnings.csv'), 'warning', warnings)
}

/** The curve belongs to a run's test split; so it is kept there, and found by its report. */
export async function keepRobustness(
  { ownRun, unreadable }: Judged,
  { robustness }: Evaluation,
): Promise<string | null> {
  if (ownRun === null || robustness === null || unreadable.length > 0) return null
  const file = ownRun.robustness
  const isNew = !existsSync(file)
  await writeFileAtomic(file, `${JSON.stringify(robustness, null, 2)}\n`)
  return `${isNew ? 'Written to' : 'Written anew:'} ${file}`
}

export function jsonOf({ metrics, subgroups, robustness, tta }: Evaluation): string {
  const parts = {
    ...metrics,
    ...(subgroups === null ? {} : { subgroups }),
    ...(robustness === null ? {} : { robustness }),
    ...(tta === null ? {} : { tta }),
  }
  return JSON.stringify(parts, null, 2)
}

export function textOf({ title }: Judged, evaluation: Evaluation): string {
  const { metrics, subgroups, robustness, tta } = evaluation
  const { intervals } = metrics
  const parts = [
    `${title}: ${metrics.images} images`,
    metricsTable(metrics, intervals),
    ...(metrics.groups === undefined ? [] : [groupTable(metrics, intervals)]),
    overallTable(metrics, intervals),
    ...calibrationText(metrics),
    ...(tta === null ? [] : [ttaTable(tta)]),
    ...(subgroups === null ? [] : [subgroupTables(subgroups)]),
    ...(robustness === null ? [] : [robustnessTable(robustness)]),
  ]
  if (intervals) {
    parts.push(
      `Intervals: ${100 * intervals.level} %, ${intervals.method}, ${intervals.repetitions} samples of patients.`,
    )
  }
  return parts.join('\n\n')
}

function calibrationText({ calibration }: JudgedMetrics): string[] {
  if (calibration === undefined) return []
  const { method, before, after, uncalibrated } = calibration
  if (method === 'none') return ['Not calibrated: the validation split has too few cases of every label.']
  const digits = (value: number | null): string => value?.toFixed(4) ?? '-'
  const table = formatTable(
    ['', 'Brier score', 'calibration error (ECE)'],
    [
      ['scores', digits(before.brier), digits(before.ece)],
      [`calibrated (${method})`, digits(after.brier), digits(after.ece)],
    ],
  )
  const left =
    uncalibrated.length === 0
      ? []
      : wrapped(
          `Left as they are, the validation split says too little of them: ${uncalibrated.join(', ')}.`,
          '',
        )
  return [['Calibrated on the validation split, means over labels', table, ...left].join('\n')]
}

function ttaTable({ methods, results }: Comparison): string {
  const rows = results
    .filter(({ method }) => method !== methods[0])
    .map(({ metric, value, interval, difference, difference_interval, p }) => [
      `mean ${metric.replaceAll('_', ' ')}`,
      withInterval(value, interval),
      signedInterval(difference, difference_interval),
      p === null ? '-' : p < 0.001 ? '<0.001' : p.toFixed(3),
    ])
  return formatTable([methods[1], 'value', 'difference from the images alone', 'p'], rows)
}
