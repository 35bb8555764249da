/** Every kind of stage by its name in a recipe. Adding one is a file and a line here. */
import { checkOptions } from '../../models/part.js'
import { lookUp } from '../../models/registry.js'
import type { StageSettings } from '../../recipe/stages.js'
import type { Stage, StageContext, StageEntry } from './stage.js'
import { supervised } from './supervised.js'

export const stages: Readonly<Record<string, StageEntry>> = {
  supervised,
}

/** Throws `RecipeError` for an unknown name or a misspelt option. */
export function checkStage(settings: StageSettings): void {
  const { name, options } = partsOf(settings)
  checkOptions(lookUp(stages, 'stage', name).options, `stage ${name}`, options)
}

export function makeStage(settings: StageSettings, context: StageContext): Stage {
  checkStage(settings)
  const { name, options } = partsOf(settings)
  return lookUp(stages, 'stage', name).make(context, options)
}

function partsOf({ name, recipe: _, ...options }: StageSettings): { name: string; options: object } {
  return { name, options }
}
