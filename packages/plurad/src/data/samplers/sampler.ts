import type { z } from 'zod'
import type { LabelValue } from '../dataset.js'
import type { Random } from '../random.js'

/** The labels of the samples to train on, [N][C]. */
export type LabelRows = readonly (readonly LabelValue[])[]

/** Draws the order of an epoch: indices of samples, in which some may stand several times and others not at all. */
export type DrawEpoch = (random: Random) => Uint32Array<ArrayBuffer>

/** One way of choosing what an epoch is made of. To add one: a file beside this and a line in `registry.ts`. */
export interface Sampler<Schema extends z.ZodObject = z.ZodObject> {
  /** One line for people. */
  summary: string
  /** What a recipe's `training.sampler` may hold: its name as `name`, and its own settings. */
  settings: Schema
  /**
   * Looks at the labels once. The function given back depends on nothing but its random numbers, so that an epoch
   * is the same whenever, and from whichever batch on, it is drawn.
   */
  prepare: (rows: LabelRows, settings: z.infer<Schema>) => DrawEpoch
}

/** Keeps the schema's type for `prepare`. */
export function defineSampler<Schema extends z.ZodObject>(sampler: Sampler<Schema>): Sampler<Schema> {
  return sampler
}
