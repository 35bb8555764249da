/** `--corruptions`: how figures change as images get worse. */
import type { Corruption } from '../../data/variations/corruptions/corruption.js'
import type { VariationSpec } from '../../data/variations/variation.js'
import type { BootstrapChoice } from '../../metrics/judge.js'
import {
  measureRobustness,
  type ChangedFigure,
  type CorruptedScores,
  type Robustness,
} from '../../metrics/robustness.js'
import { signedInterval, withInterval } from '../metrics-table.js'
import { Progress } from '../progress.js'
import { formatTable } from '../table.js'
import { wrapped } from '../wrap.js'
import type { Judged } from './judged.js'

/** Every severity of every corruption, in the order in which {@link robustnessOf} takes their scores. */
export function corruptionSpecs(chosen: readonly Corruption[]): VariationSpec[] {
  return chosen.flatMap(({ name, amounts }) =>
    amounts.map((_, i): VariationSpec => ({ kind: 'corruption', name, severity: i + 1 })),
  )
}

/** @param varied The scores of {@link corruptionSpecs}. */
export function robustnessOf(
  { predictions }: Judged,
  varied: readonly Float64Array[],
  chosen: readonly Corruption[],
  choice: BootstrapChoice,
): Robustness {
  let next = 0
  const corrupted = chosen.map(({ name, amount, amounts }): CorruptedScores => ({
    name,
    amount,
    levels: amounts.map((value) => ({ amount: value, scores: varied[next++] })),
  }))
  const progress = new Progress()
  const robustness = measureRobustness(predictions, corrupted, choice, (done, of) => {
    progress.update(`Corruptions: bootstrap ${done} of ${of}`)
  })
  progress.clear()
  return robustness
}

export function robustnessTable({ plain, corruptions }: Robustness): string {
  const change = ({ value, difference, difference_interval: interval }: ChangedFigure): string[] => [
    withInterval(value, null),
    signedInterval(difference, interval),
  ]
  const rows = corruptions.flatMap(({ name, curve }) =>
    curve.map(({ severity, amount, auc, average_precision: ap }) => [
      severity === 1 ? name : '',
      String(severity),
      String(amount),
      ...change(auc),
      ...change(ap),
    ]),
  )
  const text = (metric: 'auc' | 'average_precision'): string =>
    withInterval(plain[metric].value, plain[metric].interval)
  return (
    `Images as they are: mean AUC ${text('auc')}, mean AP ${text('average_precision')}\n\n` +
    `${formatTable(['corruption', 'severity', 'amount', 'AUC', 'change', 'AP', 'change'], rows)}\n` +
    wrapped(`${corruptions.map(({ name, amount }) => `${name}: ${amount}`).join('. ')}.`, '').join('\n')
  )
}
