/** Backbones, heads and losses as recipes and model files name them. Without the engine, so that both can be read anywhere. */
import { z } from 'zod'
import { RecipeError } from '../errors.js'
import { didYouMean } from '../suggest.js'

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

/** The options as they are, once they are known to fit. Throws `RecipeError` with the nearest name. */
export function checkOptions(schema: z.ZodObject, what: string, options: object): object {
  const known = Object.keys(schema.shape)
  const stranger = Object.keys(options).find((key) => !known.includes(key))
  if (stranger !== undefined) {
    throw new RecipeError(
      `The ${what} has no option '${stranger}'.${didYouMean(stranger, known)} ` +
        (known.length === 0 ? 'It has none.' : `It has ${known.join(', ')}.`),
    )
  }
  const parsed = schema.safeParse(options)
  if (parsed.success) return options
  const issue = parsed.error.issues[0]
  throw new RecipeError(`The ${what}: option ${issue.path.join('.')}: ${issue.message}.`)
}
