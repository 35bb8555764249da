/** What sections say alike. */
import type { OperatingPoint } from '../metrics/index.js'
import type { Evaluated } from './evaluated.js'
import { formatCount } from './format.js'
import type { Monitor } from './history.js'

export const SPLIT_NAMES = {
  train: 'Training',
  val: 'Validation',
  test: 'Test',
  given: 'Evaluated',
} as const

export const CALIBRATION_NAMES: Record<string, string> = {
  temperature: 'temperature scaling',
  platt: 'Platt scaling',
  isotonic: 'isotonic regression',
}

export const MONITOR_NAMES: Record<Monitor, string> = {
  macro_auc: 'macro AUC',
  macro_average_precision: 'macro average precision',
  loss: 'loss',
}

/** `test split`, or `evaluated images` where it is not known of which split they are. */
export function splitWords({ split }: Pick<Evaluated, 'split'>): string {
  return split === 'given' ? 'evaluated images' : `${SPLIT_NAMES[split].toLowerCase()} split`
}

/** How intervals were made, in a sentence. */
export function intervalWords({ intervals }: Pick<Evaluated, 'intervals'>): string | null {
  if (intervals === null) return null
  const { level, method, repetitions } = intervals
  const named = method === 'bca' ? 'BCa' : method
  return (
    `Small figures are ${Number((100 * level).toFixed(1))} % intervals (${named}) from ${formatCount(repetitions)} samples of the ` +
    `patients, each with all images; a figure without a value in more than a tenth of the samples has none.`
  )
}

/** How thresholds were chosen. */
export function thresholdWords({ split, metrics }: Pick<Evaluated, 'split' | 'metrics'>): string {
  const point = metrics.operating_point
  if (metrics.labels.every(({ threshold }) => threshold === null)) {
    return 'No thresholds are known, so decisions are not judged.'
  }
  const [first] = metrics.labels
  if (
    point === undefined &&
    metrics.labels.length > 1 &&
    metrics.labels.every(({ threshold }) => threshold === first.threshold)
  ) {
    return `The threshold is ${first.threshold} for all labels.`
  }
  if (point !== undefined) {
    const tuned = point.rule === 'fixed' ? '' : ', on the validation split'
    return `Thresholds were chosen by ${ruleWords(point)}${tuned}.`
  }
  if (split === 'val') return 'Thresholds were tuned on this same split, so F1, precision and recall flatter.'
  return split === 'test'
    ? 'Thresholds were tuned for F1 on the validation split.'
    : 'Thresholds are those that came with the model or were tuned on its validation split.'
}

function ruleWords(point: OperatingPoint): string {
  switch (point.rule) {
    case 'fixed':
      return `one value, ${point.threshold}`
    case 'youden':
      return 'the Youden index'
    case 'max_f1':
      return 'the best F1'
    case 'sensitivity':
      return `a sensitivity of ${point.target}`
    case 'specificity':
      return `a specificity of ${point.target}`
  }
}
