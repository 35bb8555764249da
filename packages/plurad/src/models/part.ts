/** Backbones and heads as recipes and model files name them. Without the engine, so that both can be read anywhere. */
import { z } from 'zod'

export interface Part {
  name: string
  /** Checked by the part itself, when it is made. */
  [option: string]: unknown
}

/** A name alone, or an object with a name and options. */
export const partSchema = z.union([
  z.string().transform((name): Part => ({ name })),
  z.looseObject({ name: z.string() }),
])
