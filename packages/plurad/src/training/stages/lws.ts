/** Learnable weight scaling: one factor a label on a classifier that keeps its directions. */
import { ones, Parameter } from '@plurad/torch'
import { z } from 'zod'
import { learnOnly, rowNorms, rowsOf, scaleRows } from '../../models/classifier-rows.js'
import type { TrainingJob } from '../job.js'
import { classAware } from './crt.js'
import { describeNorms } from './row-norms.js'
import { defineStage, type StageContext } from './stage.js'
import { SupervisedStage } from './supervised.js'

class LearnableWeightScaling extends SupervisedStage {
  readonly #context: StageContext

  constructor(context: StageContext) {
    const { model, placement } = context
    rowsOf(model, 'The stage lws', 'matter')
    model.label_scale = new Parameter(ones([model.settings.labels.length], { device: placement.device }))
    learnOnly(model, [model.label_scale])
    super({ ...context, job: monitoringLoss(classAware(context.job)) })
    this.#context = context
  }

  override async run(): Promise<boolean> {
    const { model, hooks, job } = this.#context
    const { monitor } = job.recipe.training
    if (monitor !== 'loss' && this.resumesAt === null) {
      const text = `Note        lws: a factor on a label's logits leaves its ${monitor} as it is; the loss is monitored instead`
      hooks.post({ kind: 'note', text })
    }
    const finished = await super.run()
    if (!finished || model.label_scale === null) return finished
    const rows = rowsOf(model, 'The stage lws', 'matter')
    const before = rowNorms(rows)
    scaleRows(rows, model.label_scale.detach(), { biases: true })
    model.label_scale = null
    hooks.post({ kind: 'note', text: describeNorms(before, rowNorms(rows)) })
    return true
  }
}

/** Metrics that rank the images of one label cannot tell one factor from another. */
function monitoringLoss(job: TrainingJob): TrainingJob {
  const { recipe } = job
  return { ...job, recipe: { ...recipe, training: { ...recipe.training, monitor: 'loss' } } }
}

/**
 * x_c becomes s_c x_c: the factors are learned, from 1 on, with all else frozen and images drawn class by class, and become part
 * of the classifier's rows and biases at the end. tau-normalisation is the factor that is not learned.
 */
export const lws = defineStage({
  paper:
    'Kang et al., Decoupling Representation and Classifier for Long-Tailed Recognition, ICLR 2020, arXiv:1910.09217 (LWS)',
  options: z.strictObject({}),
  check: (_job, _options, model) => void rowsOf(model, 'The stage lws', 'matter'),
  make: (context) => new LearnableWeightScaling(context),
})
