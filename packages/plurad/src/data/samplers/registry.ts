import { z } from 'zod'
import { classAware } from './class-aware.js'
import type { DrawEpoch, LabelRows } from './sampler.js'
import { sequential } from './sequential.js'
import { shuffled } from './shuffled.js'
import { squareRoot } from './square-root.js'
import { weighted } from './weighted.js'

/** Every sampler; recipes name them by the literal in their settings. */
export const samplers = [shuffled, sequential, classAware, squareRoot, weighted] as const

type Schema = (typeof samplers)[number]['settings']

/** What a recipe's `training.sampler` may be: a name, or an object with a name and settings. */
export const samplerSettings = z.preprocess(
  (given) => (typeof given === 'string' ? { name: given } : given),
  z.discriminatedUnion('name', samplers.map(({ settings }) => settings) as [Schema, ...Schema[]]),
)

export type SamplerSettings = z.infer<typeof samplerSettings>

/** The sampler that the settings name, made ready for these samples. */
export function makeSampler(rows: LabelRows, settings: SamplerSettings): DrawEpoch {
  const chosen = samplers.find((sampler) => sampler.settings.shape.name.value === settings.name)
  // The settings were parsed by the schema of that name, so they are of its type.
  const { prepare } = chosen as { prepare: (rows: LabelRows, settings: SamplerSettings) => DrawEpoch }
  return prepare(rows, settings)
}
