/** The recipe's block `augmentation`: what is done to training images, in this order. */
import { z } from 'zod'
import { describeIssues } from '../../schema-issues.js'
import { didYouMean } from '../../suggest.js'
import type { Preprocessing } from '../preprocessing.js'
import { presets } from './presets.js'
import { operations } from './registry.js'

/** An operation by name, with its settings. Plain data: it travels to the engine's thread. */
export interface AugmentationStep {
  name: string
  [setting: string]: unknown
}

const presetNames = Object.keys(presets).join(', ')

type Issue = (message: string) => void

/**
 * A list of operations, or the name of a preset; in a list a name alone stands for an operation with its defaults, or for
 * all of a preset. Gives the list with every setting filled in.
 */
export const augmentationSchema = z.unknown().transform((given, context): AugmentationStep[] => {
  // What was found is part of the message where it helps; as `input` all of the list would be printed.
  const issueAt = (path: readonly number[]): Issue => {
    return (message) => context.addIssue({ code: 'custom', path: [...path], message, input: undefined })
  }
  const entries = typeof given === 'string' ? [given] : given
  if (!Array.isArray(entries)) {
    issueAt([])(`expected a list of operations or a preset (${presetNames}), found ${JSON.stringify(given)}`)
    return z.NEVER
  }
  const steps = entries.flatMap((entry: unknown, at) => stepsOf(entry, issueAt([at])))
  const crops = steps.filter(({ name }) => find(name)?.crops)
  if (crops.length > 1) {
    issueAt([])(`${crops.map(({ name }) => name).join(' and ')} both cut to data.size: one of them at most`)
  }
  return steps
})

/** The operation of that name. */
export function find(name: string): (typeof operations)[number] | undefined {
  return operations.find((operation) => operation.name === name)
}

/**
 * How images are loaded for training: as they are for the model, or whole at `resize_to`, where one of the steps cuts them
 * to `size`. `centreCrop` then makes the same of them as the model's own preprocessing.
 */
export function loadedFor(steps: readonly AugmentationStep[], preprocessing: Preprocessing): Preprocessing {
  const { resize_to: size } = preprocessing
  const cut = steps.some(({ name }) => find(name)?.crops)
  return cut && size !== null ? { ...preprocessing, size, resize_to: null } : preprocessing
}

function stepsOf(entry: unknown, issue: Issue): AugmentationStep[] {
  if (typeof entry === 'string') {
    const preset = Object.hasOwn(presets, entry) ? presets[entry] : undefined
    return preset ? preset.flatMap((step) => stepsOf(step, issue)) : stepsOf({ name: entry }, issue)
  }
  if (typeof entry !== 'object' || entry === null || !('name' in entry) || typeof entry.name !== 'string') {
    issue(`expected an operation such as {name: rotation, degrees: 10}, found ${JSON.stringify(entry)}`)
    return []
  }
  const { name, ...settings } = entry
  const operation = find(name)
  if (operation === undefined) {
    const names = operations.map((known) => known.name)
    const near = didYouMean(name, [...names, ...Object.keys(presets)])
    issue(`there is no augmentation '${name}'.${near} Known: ${names.join(', ')}; presets: ${presetNames}`)
    return []
  }
  const parsed = operation.settings.safeParse(settings, { reportInput: true })
  if (parsed.success) return [{ name, ...parsed.data }]
  for (const line of describeIssues(parsed.error, operation.settings, 'settings')) issue(`${name}.${line}`)
  return []
}
