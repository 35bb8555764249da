/** A recipe with parts of it changed, as stages and members of ensembles do. */
import { RecipeError } from '../errors.js'
import { describeIssues } from '../schema-issues.js'
import { recipeSchema, type Recipe } from './schema.js'

/**
 * Objects are merged key by key; lists, values and parts of another name are replaced.
 *
 * @param place of the changes in the recipe, for messages
 * @throws RecipeError where the result is no valid recipe
 */
export function overridden(recipe: Recipe, changes: Record<string, unknown>, place: string): Recipe {
  const parsed = recipeSchema.safeParse(merge(recipe, changes), { reportInput: true })
  if (parsed.success) {
    const { mean, std } = parsed.data.data
    return {
      ...parsed.data,
      data: { ...parsed.data.data, mean: mean ?? recipe.data.mean, std: std ?? recipe.data.std },
    }
  }
  const lines = describeIssues(parsed.error, recipeSchema, 'recipe')
  throw new RecipeError(lines.map((line) => `${place}.${line}`).join('\n'))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Their settings are the same under every name. */
const SHARED_SETTINGS = ['optimizer', 'schedule']

function merge(base: unknown, changes: unknown, key = ''): unknown {
  if (!isObject(base) || !isObject(changes)) return changes
  const named = changes['name']
  if (named !== undefined && named !== base['name'] && !SHARED_SETTINGS.includes(key)) return changes
  const merged = { ...base }
  for (const [inner, value] of Object.entries(changes)) merged[inner] = merge(base[inner], value, inner)
  return merged
}
