/** The stages of a recipe: what each of them is called, and what it changes of the rest. */
import { RecipeError } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { overridden } from './override.js'
import type { Recipe } from './schema.js'

/** What a stage may change of the recipe; the rest belongs to the data and to the one model. */
const CHANGEABLE = ['loss', 'training', 'augmentation', 'mixing', 'model']

export type StageSettings = Recipe['stages'][number]

/** Whether a run is one ordinary training, whose files lie in the run folder itself. */
export function isPlain({ stages }: Recipe): boolean {
  return stages.length === 1 && stages[0].name === 'supervised'
}

/**
 * The recipe as one of its stages sees it.
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
  const training = Object.keys((changes['training'] as object | undefined) ?? {})
  const machine = training.find((key) => key === 'device' || key === 'threads')
  if (machine !== undefined) {
    throw new RecipeError(
      `${place}.training.${machine}: all stages run on the same; set training.${machine}.`,
    )
  }
  return overridden(recipe, changes, place)
}
