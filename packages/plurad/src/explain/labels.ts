/** Which of a model's labels are explained. */
import { DataError, UsageError } from '../errors.js'
import type { ModelInfo } from '../models/model-info.js'
import { calibratedScores } from '../predict/findings.js'
import { didYouMean } from '../suggest.js'

/**
 * Names; the `top` most probable; all; or `found`: those whose probability reaches their threshold, and the most probable
 * one where none does.
 */
export type LabelChoice =
  | { kind: 'names'; names: readonly string[] }
  | { kind: 'top'; count: number }
  | { kind: 'all' }
  | { kind: 'found' }

/** `Effusion,Mass`, `top:3`, `all` or `found`. Throws `UsageError`. */
export function parseLabelChoice(text: string): LabelChoice {
  if (text === 'all' || text === 'found') return { kind: text }
  const top = /^top:(\d+)$/.exec(text)
  if (top !== null && Number(top[1]) > 0) return { kind: 'top', count: Number(top[1]) }
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length === 0 || top !== null)
    throw new UsageError(`--labels ${text}: expected names with commas between, top:3, found or all`)
  return { kind: 'names', names }
}

/**
 * Places among the model's labels: named ones in the order of their names, others the most probable first.
 *
 * @throws DataError for a name that the model does not know
 */
export function chooseLabels(choice: LabelChoice, info: ModelInfo, probabilities: Float64Array): number[] {
  const { labels, thresholds } = info
  const sorted = labels.map((_, at) => at).sort((a, b) => probabilities[b] - probabilities[a])
  switch (choice.kind) {
    case 'all':
      return sorted
    case 'top':
      return sorted.slice(0, choice.count)
    case 'found': {
      const judged = calibratedScores(info, probabilities) ?? probabilities
      const found = sorted.filter((at) => judged[at] >= (thresholds[at] ?? Infinity))
      return found.length > 0 ? found : sorted.slice(0, 1)
    }
    case 'names':
      return choice.names.map((name) => {
        const at = labels.indexOf(name)
        if (at >= 0) return at
        throw new DataError(
          `The model has no label '${name}'.${didYouMean(name, labels)} It has ${labels.join(', ')}.`,
        )
      })
  }
}
