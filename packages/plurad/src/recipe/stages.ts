/** The stages of a recipe: what each of them is called, and what it changes of the rest. */
import { RecipeError } from '../errors.js'
import { describeIssues } from '../schema-issues.js'
import { didYouMean } from '../suggest.js'
import { recipeSchema, type Recipe } from './schema.js'

/** What a stage may change of the recipe; the rest belongs to the data and to the one model. */
const CHANGEABLE = ['loss', 'training', 'augmentation', 'mixing', 'model']

export type StageSettings = Recipe['stages'][number]

/** Whether a run is one ordinary training, whose files lie in the run folder itself. */
export function isPlain({ stages }: Recipe): boolean {
  return stages.length === 1 && stages[0].name === 'supervised'
}

/**
 * The recipe as one of its stages sees it: objects are merged key by key; lists, values and parts of another name are
 * replaced.
 *
 * @throws RecipeError where what the stage changes is not its to change, or makes no valid recipe
 */
export function recipeOfStage(recipe: Recipe, index: number): Recipe {
  const { recipe: changes } = recipe.stages[index]
  if (changes === undefined) return recipe
  const place = `stages.${index}.recipe`
  for (const key of Object.keys(changes)) {
    if (!CHANGEABLE.includes(key)) {
      throw new RecipeError(
        `${place}.${key}: a stage cannot change that.${didYouMean(key, CHANGEABLE)} It can change ${CHANGEABLE.join(', ')}.`,
      )
    }
  }
  const inner = Object.keys((changes['model'] as object | undefined) ?? {}).find((key) => key !== 'freeze')
  if (inner !== undefined) {
    throw new RecipeError(
      `${place}.model.${inner}: all stages train one model; of it a stage can change freeze alone.`,
    )
  }
  const parsed = recipeSchema.safeParse(merge(recipe, changes), { reportInput: true })
  if (parsed.success) {
    const { mean, std } = recipe.data
    return { ...parsed.data, data: { ...parsed.data.data, mean, std } }
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
