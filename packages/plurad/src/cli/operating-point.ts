import { UsageError } from '../errors.js'
import type { OperatingPoint } from '../metrics/index.js'

/**
 * `youden`, `max_f1`, `sensitivity=0.9`, `specificity=0.9` or a threshold such as `0.5`.
 *
 * @throws UsageError for anything else
 */
export function parseOperatingPoint(text: string): OperatingPoint {
  if (text === 'youden' || text === 'max_f1') return { rule: text }
  const [, rule, digits] = /^(?:(sensitivity|specificity)=)?([0-9.]+)$/.exec(text) ?? []
  const value = Number(digits)
  if (digits !== undefined && value >= 0 && value <= 1) {
    return rule === 'sensitivity' || rule === 'specificity'
      ? { rule, target: value }
      : { rule: 'fixed', threshold: value }
  }
  throw new UsageError(
    `--operating-point ${text}: expected youden, max_f1, sensitivity=0.9, specificity=0.9 or a threshold from 0 to 1`,
  )
}
