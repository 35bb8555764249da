/** cRT: the classifier is trained anew on features that stay as they are. */
import { z } from 'zod'
import { learnOnly, restartRows, rowsOf } from '../../models/classifier-rows.js'
import type { TrainingJob } from '../job.js'
import { defineStage } from './stage.js'
import { SupervisedStage } from './supervised.js'

/**
 * The job with class-aware sampling instead of the plain order of images, which is what re-training a classifier is for; a
 * sampler that the recipe chose stays.
 */
export function classAware(job: TrainingJob): TrainingJob {
  const { recipe } = job
  if (recipe.training.sampler.name !== 'shuffled') return job
  const sampler = { name: 'class-aware' as const, unlabelled: true, images_per_epoch: null }
  return { ...job, recipe: { ...recipe, training: { ...recipe.training, sampler } } }
}

/**
 * Classifier re-training: everything but the classifier's rows is frozen, the rows are drawn anew and learn from images that
 * are drawn class by class. Ten epochs are enough, such as recipe: {training: {epochs: 10}}.
 */
export const crt = defineStage({
  paper:
    'Kang et al., Decoupling Representation and Classifier for Long-Tailed Recognition, ICLR 2020, arXiv:1910.09217 (cRT)',
  options: z.strictObject({}),
  check: (_job, _options, model) => void rowsOf(model, 'The stage crt'),
  make: (context) => {
    const rows = rowsOf(context.model, 'The stage crt')
    learnOnly(context.model, [rows.weight, rows.bias])
    restartRows(rows)
    return new SupervisedStage({ ...context, job: classAware(context.job) })
  },
})
