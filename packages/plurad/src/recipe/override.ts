/** A recipe with parts of it changed, as stages and members of ensembles do. */
import { isDeepStrictEqual } from 'node:util'
import { RecipeError } from '../errors.js'
import { describeIssues } from '../schema-issues.js'
import { impliedNormalisation } from './normalisation.js'
import { recipeSchema, type ParsedRecipe, type Recipe } from './schema.js'

/**
 * Objects are merged key by key; lists, values and parts of another name are replaced.
 *
 * @param place of the changes in the recipe, for messages
 * @throws RecipeError where the result is no valid recipe
 */
export function overridden(recipe: Recipe, changes: Record<string, unknown>, place: string): Recipe {
  const parsed = recipeSchema.safeParse(merge(recipe, changes), { reportInput: true })
  if (parsed.success) {
    return { ...parsed.data, data: { ...parsed.data.data, ...normalisation(recipe, parsed.data, changes) } }
  }
  const lines = describeIssues(parsed.error, recipeSchema, 'recipe')
  throw new RecipeError(lines.map((line) => `${place}.${line}`).join('\n'))
}

/** Other weights bring their own mean and deviation, unless these were chosen. */
function normalisation(
  before: Recipe,
  { model, data }: ParsedRecipe,
  changes: Record<string, unknown>,
): Pick<Recipe['data'], 'mean' | 'std'> {
  const chosen = (changes['data'] ?? {}) as Partial<Recipe['data']>
  const [old, now] = [
    impliedNormalisation(before.model.weights, before.data.channels),
    impliedNormalisation(model.weights, data.channels),
  ]
  const of = (key: 'mean' | 'std'): number | number[] => {
    if (chosen[key] !== undefined && chosen[key] !== null) return chosen[key]
    return isDeepStrictEqual(before.data[key], old[key]) ? now[key] : before.data[key]
  }
  return { mean: of('mean'), std: of('std') }
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
