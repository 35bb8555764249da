/** What `plurad evaluate` can be told. */
import { corruptions } from '../../data/variations/corruptions/registry.js'
import type { Corruption } from '../../data/variations/corruptions/corruption.js'
import { UsageError } from '../../errors.js'
import { CALIBRATION_METHODS, type CalibrationMethod } from '../../metrics/index.js'
import type { BootstrapChoice } from '../../metrics/judge.js'
import type { BootstrapFlags } from '../bootstrap-flags.js'

export interface EvaluateFlags extends BootstrapFlags {
  data?: string
  set: string[]
  split?: string
  predictions?: string
  labels?: string
  validation?: string
  operatingPoint?: string
  calibrate?: string
  by?: string
  metadata?: string
  /** True for all of them. */
  corruptions?: string | true
  tta?: string
  seeds?: boolean
  out?: string
  report?: string
  json?: boolean
  device: string
}

/** For what only makes sense with intervals, where `--bootstrap` does not say. */
export const DEFAULT_BOOTSTRAP: BootstrapChoice = {
  repetitions: 1000,
  method: 'percentile',
  level: 0.95,
  seed: 0,
}

const SPLITS = ['all', 'train', 'val', 'test']

/** @throws UsageError */
export function checkSplitName(split: string | undefined): void {
  if (split !== undefined && !SPLITS.includes(split))
    throw new UsageError(`evaluate: --split ${split}: expected one of ${SPLITS.join(', ')}`)
}

/** Null for the model's own. Throws `UsageError`. */
export function calibrationMethod(text: string | undefined): CalibrationMethod | 'none' | null {
  if (text === undefined) return null
  const method = [...CALIBRATION_METHODS, 'none' as const].find((name) => name === text)
  if (method !== undefined) return method
  throw new UsageError(`evaluate: --calibrate ${text}: expected ${CALIBRATION_METHODS.join(', ')} or none`)
}

/** Those named; all for the flag alone. Throws `UsageError`. */
export function chosenCorruptions(flag: string | true | undefined): readonly Corruption[] {
  if (flag === undefined) return []
  if (flag === true || flag === 'all') return corruptions
  return flag.split(',').map((text) => {
    const found = corruptions.find(({ name }) => name === text.trim())
    if (found !== undefined) return found
    throw new UsageError(
      `evaluate: --corruptions ${text.trim()}: expected ${corruptions.map(({ name }) => name).join(', ')}`,
    )
  })
}
