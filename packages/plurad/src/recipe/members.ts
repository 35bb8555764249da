/** The members of an ensemble that one recipe trains. */
import { RecipeError } from '../errors.js'
import { overridden } from './override.js'
import type { Recipe } from './schema.js'

/** What all members share: they could not be put together otherwise. */
const SHARED = ['name', 'ensemble', 'data.labels', 'data.set', 'data.split']

/**
 * The recipe of one member, as a run of its own has it.
 *
 * @throws RecipeError where it changes what all members share, or makes no valid recipe
 */
export function recipeOfMember(recipe: Recipe, index: number): Recipe {
  const { members } = recipe.ensemble ?? { members: [] }
  const { name, recipe: changes } = members[index]
  const place = `ensemble.members.${index}.recipe`
  const data = (changes['data'] ?? {}) as Record<string, unknown>
  const keys = [...Object.keys(changes), ...Object.keys(data).map((key) => `data.${key}`)]
  const shared = keys.find((key) => SHARED.includes(key))
  if (shared !== undefined) {
    throw new RecipeError(
      `${place}.${shared}: all members of an ensemble share that; set it in the recipe itself.`,
    )
  }
  const same = members.findIndex((member) => member.name === name)
  if (same !== index) {
    throw new RecipeError(`ensemble.members.${index}.name: '${name}' is the name of member ${same} too.`)
  }
  return { ...overridden(recipe, changes, place), name: `${recipe.name}-${name}`, ensemble: null }
}
