import { z } from 'zod'
import { didYouMean } from './suggest.js'

/**
 * What a schema has against a value, one line each: the key's place, what was expected and found, for a misspelt key
 * or word the nearest one, and the keys that there are.
 *
 * @param root what the value itself is called, where an issue is not about one of its keys
 * @param further keys that are allowed beside those of the schema, to be listed too
 */
export function describeIssues(
  error: z.ZodError,
  schema: z.ZodObject,
  root: string,
  further: readonly string[] = [],
): string[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.join('.')
    if (issue.code === 'unrecognized_keys') {
      const known = [...keysAt(schema, issue.path, issue.input), ...(issue.path.length === 0 ? further : [])]
      return issue.keys.map((key) => {
        const place = path === '' ? key : `${path}.${key}`
        const list = known.length === 0 ? 'There are none here.' : `Known here: ${known.join(', ')}.`
        return `${place}: there is no such key.${didYouMean(key, known)} ${list}`
      })
    }
    const { input } = issue
    const found = input === undefined ? '' : `, found ${JSON.stringify(input)}`
    const near =
      issue.code === 'invalid_value' && typeof input === 'string'
        ? didYouMean(input, issue.values.map(String)).replace(/^ /, '. ')
        : ''
    return [`${path === '' ? root : path}: ${issue.message}${found}${near}`]
  })
}

function keysAt(schema: z.ZodObject, path: readonly PropertyKey[], input: unknown): string[] {
  let level: unknown = schema
  for (const key of path) {
    level = unwrap(level)
    if (level instanceof z.ZodObject) level = (level.shape as Record<string, unknown>)[String(key)]
  }
  const object = optionFor(unwrap(level), input)
  return object instanceof z.ZodObject ? Object.keys(object.shape) : []
}

/** Where a name decides among several shapes: the one of the name given. */
function optionFor(schema: unknown, input: unknown): unknown {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema
  const { discriminator } = schema.def
  const name = (input as Record<string, unknown> | undefined)?.[discriminator]
  return schema.options.find((option) => {
    const literal =
      option instanceof z.ZodObject ? (option.shape as Record<string, unknown>)[discriminator] : null
    return literal instanceof z.ZodLiteral && literal.value === name
  })
}

function unwrap(schema: unknown): unknown {
  let inner = schema
  while (
    inner instanceof z.ZodPipe ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodNullable ||
    inner instanceof z.ZodOptional
  ) {
    inner = inner instanceof z.ZodPipe ? inner.out : inner.unwrap()
  }
  return inner
}
