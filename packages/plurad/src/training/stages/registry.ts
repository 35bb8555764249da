/** Every kind of stage by its name in a recipe. Adding one is a file and a line here. */
import type { Classifier } from '../../models/classifier.js'
import { checkOptions } from '../../models/part.js'
import { lookUp } from '../../models/registry.js'
import type { StageSettings } from '../../recipe/stages.js'
import type { TrainingJob } from '../job.js'
import { crt } from './crt.js'
import { ldrnet } from './ldrnet/ldrnet.js'
import { lws } from './lws.js'
import { noisyStudent } from './noisy-student.js'
import { simclr } from './simclr.js'
import type { Stage, StageContext, StageEntry } from './stage.js'
import { supervised } from './supervised.js'
import { tauNorm } from './tau-norm.js'
import { transfer } from './transfer.js'

export const stages: Readonly<Record<string, StageEntry>> = {
  supervised,
  crt,
  tau_norm: tauNorm,
  lws,
  ldrnet,
  simclr,
  noisy_student: noisyStudent,
  transfer,
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

/** Whether a stage can work on this job, whose recipe is its own, and model. Throws `PluradError`. */
export function checkStageJob(settings: StageSettings, job: TrainingJob, model: Classifier): void {
  const { name, options } = partsOf(settings)
  lookUp(stages, 'stage', name).check?.(job, options, model)
}

function partsOf({ name, recipe: _, ...options }: StageSettings): { name: string; options: object } {
  return { name, options }
}
