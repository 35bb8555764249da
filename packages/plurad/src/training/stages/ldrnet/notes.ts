/** What the stage says on its way. */
import type { Figures, Monitor } from './judge.js'
import type { Step } from './progress.js'

/** Of the first round: how often labels will be present, and which ones are special. */
export function samplingNotes(
  labels: readonly string[],
  rates: readonly number[],
  mode: string,
  pooled: readonly number[],
): string[] {
  const drawn = labels.flatMap((label, c) => (Number.isNaN(rates[c]) ? [] : [{ label, rate: rates[c] }]))
  const sorted = [...drawn].sort((a, b) => b.rate - a.rate)
  const text = sorted.map(({ label, rate }) => `${label} ${rate.toPrecision(2)}`)
  const shown = text.length > 4 ? [...text.slice(0, 2), '…', ...text.slice(-2)] : text
  const missing = labels.filter((_, c) => Number.isNaN(rates[c]))
  return [
    `Sampling    ${mode}, shares of virtual images: ${shown.join(', ')}`,
    ...(pooled.length > 0
      ? [
          `Note        seen once, so that the spread is that of the other value: ${pooled.map((c) => labels[c]).join(', ')}`,
        ]
      : []),
    ...(missing.length > 0
      ? [
          `Note        no images of both values, so that their classifiers stay as they are: ${missing.join(', ')}`,
        ]
      : []),
  ]
}

export function roundNote(
  round: string,
  step: Step,
  figures: Figures,
  { monitor, better, before = '' }: { monitor: Monitor; better: boolean; before?: string },
): string {
  const number = (value: number | null): string => value?.toFixed(4) ?? '-'
  const { loss, macro_auc: auc, macro_average_precision: precision } = figures
  return (
    `Round ${round}  ${step.padEnd(10)}  ${before}val AUC ${number(auc)}  val AP ${number(precision)}` +
    `${monitor === 'loss' ? `  val loss ${number(loss)}` : ''}${better ? '  *' : ''}`
  )
}

export function keptNote(
  { round, step }: { round: number; step: Step },
  before: readonly number[],
  after: readonly number[],
): string {
  const kept =
    step === 'start' ? 'the weights that the stage began with' : `round ${round}, after its ${step}`
  const ratio = (norms: readonly number[]): string => (Math.max(...norms) / Math.min(...norms)).toPrecision(3)
  return `Kept        ${kept}; longest classifier row / shortest ${ratio(before)} -> ${ratio(after)}`
}
