/** Reading, changing, checking and writing recipes. */
import { readFile } from 'node:fs/promises'
import { parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { RecipeError } from '../errors.js'
import { losses } from '../losses/registry.js'
import { backbones, heads, lookUp } from '../models/registry.js'
import { didYouMean } from '../suggest.js'
import { recipeSchema, type Recipe } from './schema.js'

/** Reads a recipe, applies `key.path=value` changes, fills in defaults. Throws `RecipeError`. */
export async function loadRecipe(file: string, changes: readonly string[] = []): Promise<Recipe> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new RecipeError(`The recipe ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return parseRecipe(text, file, changes)
}

/** The same from text; `source` is named in messages. */
export function parseRecipe(text: string, source: string, changes: readonly string[] = []): Recipe {
  const document = parseDocument(text, { prettyErrors: true })
  const problem = document.errors[0]
  if (problem) throw new RecipeError(`${source} is not YAML: ${problem.message}`)
  const content: unknown = document.toJS() ?? {}
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new RecipeError(`${source}: expected keys such as 'name' and 'training', found ${typeof content}`)
  }
  const changed = changes.reduce(
    (value, change) => applyChange(value, change),
    content as Record<string, unknown>,
  )
  const parsed = recipeSchema.safeParse(changed, { reportInput: true })
  if (!parsed.success) {
    throw new RecipeError(
      `${source}:\n${parsed.error.issues.map((issue) => `  ${describe(issue)}`).join('\n')}`,
    )
  }
  return checkParts(parsed.data, source)
}

function checkParts(recipe: Recipe, source: string): Recipe {
  try {
    lookUp(backbones, 'backbone', recipe.model.backbone)
    lookUp(heads, 'head', recipe.model.head)
    lookUp(losses, 'loss', recipe.loss.name)
  } catch (error) {
    throw new RecipeError(`${source}: ${(error as Error).message}`, { cause: error })
  }
  const { split, channels, mean, std, labels } = recipe.data
  const total = split.train + split.val + split.test
  if (Math.abs(total - 1) > 1e-6) {
    throw new RecipeError(
      `${source}: data.split: train, val and test add up to ${Number(total.toFixed(6))}, expected 1`,
    )
  }
  const repeated = labels?.find((label, i) => labels.indexOf(label) !== i)
  if (repeated !== undefined) throw new RecipeError(`${source}: data.labels names '${repeated}' twice`)
  for (const [name, value] of Object.entries({ mean, std })) {
    if (Array.isArray(value) && value.length !== channels) {
      throw new RecipeError(`${source}: data.${name} has ${value.length} values for ${channels} channel(s)`)
    }
  }
  return recipe
}

/** `a.b=value`: the value is read as YAML, so that numbers, true, null and [lists] are what they look like. */
function applyChange(recipe: Record<string, unknown>, change: string): Record<string, unknown> {
  const equals = change.indexOf('=')
  if (equals < 1) throw new RecipeError(`--set ${change}: expected key=value, such as training.epochs=10`)
  const path = change.slice(0, equals).trim().split('.')
  const document = parseDocument(change.slice(equals + 1))
  if (document.errors.length > 0) {
    throw new RecipeError(
      `--set ${change}: '${change.slice(equals + 1)}' is not a YAML value: ${document.errors[0].message}`,
    )
  }
  const value: unknown = document.toJS()
  const set = (level: unknown, i: number): unknown => {
    if (i === path.length) return value
    const object = typeof level === 'object' && level !== null && !Array.isArray(level) ? level : {}
    const key = path[i]
    return { ...object, [key]: set((object as Record<string, unknown>)[key], i + 1) }
  }
  return set(recipe, 0) as Record<string, unknown>
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path)
    return issue.keys
      .map((key) => {
        const place = path === '' ? key : `${path}.${key}`
        return `${place}: there is no such key.${didYouMean(key, known)} Known here: ${known.join(', ')}.`
      })
      .join('\n  ')
  }
  const found = 'input' in issue && issue.input !== undefined ? `, found ${JSON.stringify(issue.input)}` : ''
  return `${path === '' ? 'recipe' : path}: ${issue.message}${found}`
}

function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = recipeSchema
  for (const key of path) {
    schema = unwrap(schema)
    if (schema instanceof z.ZodObject) schema = (schema.shape as Record<string, unknown>)[String(key)]
  }
  const object = unwrap(schema)
  return object instanceof z.ZodObject ? Object.keys(object.shape) : []
}

function unwrap(schema: unknown): unknown {
  let inner = schema
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodNullable) {
    inner = inner.unwrap()
  }
  return inner
}

export function formatRecipe(recipe: Recipe): string {
  return stringify(recipe, { lineWidth: 100 })
}

/** The dotted keys in which two recipes differ. */
export function differences(a: unknown, b: unknown, path = ''): string[] {
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)])
    return [...keys].flatMap((key) =>
      differences(
        (a as Record<string, unknown>)[key],
        (b as Record<string, unknown>)[key],
        path === '' ? key : `${path}.${key}`,
      ),
    )
  }
  return Object.is(a, b) ? [] : [path]
}
