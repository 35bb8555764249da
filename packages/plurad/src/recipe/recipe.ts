/** Reading, changing, checking and writing recipes. */
import { stringify } from 'yaml'
import { RecipeError } from '../errors.js'
import { checkLoss } from '../losses/registry.js'
import { checkNetwork } from '../models/registry.js'
import { checkTraining } from './check-training.js'
import { readRecipe, readRecipeText } from './read.js'
import { checkStage } from '../training/stages/registry.js'
import { recipeOfMember } from './members.js'
import type { Recipe } from './schema.js'
import { recipeOfStage } from './stages.js'

/** Reads a recipe, applies `key.path=value` changes, fills in defaults. Throws `RecipeError`. */
export async function loadRecipe(file: string, changes: readonly string[] = []): Promise<Recipe> {
  return parseRecipe(await readRecipeText(file), file, changes)
}

/** The same from text; `source` is named in messages. */
export function parseRecipe(text: string, source: string, changes: readonly string[] = []): Recipe {
  return checkParts(readRecipe(text, source, changes), source)
}

function checkParts(recipe: Recipe, source: string): Recipe {
  try {
    checkNetwork(recipe.model.backbone, recipe.model.head)
    checkLoss(recipe.loss)
    checkTraining(recipe)
    recipe.stages.forEach((stage, i) => {
      checkStage(stage)
      const own = recipeOfStage(recipe, i)
      checkLoss(own.loss)
      checkTraining(own)
    })
    const members = recipe.ensemble?.members ?? []
    members.forEach((_, i) => checkParts(recipeOfMember(recipe, i), `ensemble.members.${i}`))
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
