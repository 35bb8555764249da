/** Recipes as text: all that can be checked without the engine, whose parts `recipe.ts` checks besides. */
import { readFile } from 'node:fs/promises'
import { parseDocument } from 'yaml'
import { RecipeError } from '../errors.js'
import { describeIssues } from '../schema-issues.js'
import { impliedNormalisation } from './normalisation.js'
import { recipeSchema, type ParsedRecipe, type Recipe } from './schema.js'

/** Throws `RecipeError`. */
export async function readRecipeText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new RecipeError(`The recipe ${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** Checks every key and value but not whether the model's and the loss's parts exist. Throws `RecipeError`. */
export function readRecipe(text: string, source: string, changes: readonly string[] = []): Recipe {
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
  if (parsed.success) return normalised(parsed.data)
  const lines = describeIssues(parsed.error, recipeSchema, 'recipe').map(withMove)
  throw new RecipeError(`${source}:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** Known weights bring the mean and deviation that they were trained with. */
function normalised(recipe: ParsedRecipe): Recipe {
  const { mean, std, channels } = recipe.data
  const implied = impliedNormalisation(recipe.model.weights, channels)
  return {
    ...recipe,
    data: { ...recipe.data, mean: mean ?? implied.mean, std: std ?? implied.std },
  }
}

/** Keys of earlier versions, with what says the same now. */
const moved: Readonly<Record<string, string>> = {
  'training.horizontal_flip': 'augmentation: [horizontal_flip]',
  'training.random_shift': 'augmentation: [{name: random_shift, pixels: 4}]',
}

function withMove(line: string): string {
  const now = moved[line.slice(0, line.indexOf(':'))]
  return now === undefined ? line : `${line} What it did is now said with ${now}.`
}

/** `a.b=value`: the value is read as YAML, so that numbers, true, null and [lists] are what they look like. */
export function applyChange(recipe: Record<string, unknown>, change: string): Record<string, unknown> {
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
    const key = path[i]
    if (Array.isArray(level)) return placed(level, Number(key), (inner) => set(inner, i + 1), change)
    // A part given by its name alone.
    const object =
      typeof level === 'object' && level !== null ? level : typeof level === 'string' ? { name: level } : {}
    return { ...object, [key]: set((object as Record<string, unknown>)[key], i + 1) }
  }
  return set(recipe, 0) as Record<string, unknown>
}

/** A list with one of its entries changed; the place after the last one adds one. */
function placed(
  list: readonly unknown[],
  index: number,
  changed: (entry: unknown) => unknown,
  change: string,
): unknown[] {
  if (!Number.isInteger(index) || index < 0 || index > list.length) {
    throw new RecipeError(
      `--set ${change}: there is a list of ${list.length}, expected the number of an entry, from 0 to ${list.length}`,
    )
  }
  return [...list.slice(0, index), changed(list[index]), ...list.slice(index + 1)]
}
