/** How good a model is on the validation split. */
import { TrainingError } from '../../../errors.js'
import type { Loss } from '../../../losses/define.js'
import { evaluateMultilabel } from '../../../metrics/index.js'
import { predictSamples } from '../../predictor.js'
import type { TrainingSample } from '../../job.js'
import type { StageContext } from '../stage.js'

/** Named as `training.monitor` names them. */
export interface Figures {
  loss: number | null
  macro_auc: number | null
  macro_average_precision: number | null
}

export type Monitor = keyof Figures

/** Null where the user stops it. Throws `TrainingError` where the weights have run away. */
export async function judge(
  { job: { recipe }, model, loader, placement, hooks }: StageContext,
  samples: readonly TrainingSample[],
  loss: Loss,
): Promise<Figures | null> {
  const {
    predictions,
    loss: value,
    complete,
  } = await predictSamples(model, loader, samples, {
    size: recipe.data.size,
    batchSize: recipe.evaluation.batch_size,
    placement,
    loss,
    onBatch: (done, total) => hooks.post({ kind: 'evaluating', split: 'val', done, total }),
    stopped: () => hooks.stopped,
  })
  if (!complete) return null
  if (predictions.scores.some(Number.isNaN)) {
    throw new TrainingError(
      'The model gives probabilities that are not numbers: its weights have run away in the stage ldrnet. Choose a smaller ' +
        'training.optimizer.learning_rate or m_learning_rate.',
    )
  }
  const { auc, average_precision: precision } = evaluateMultilabel(predictions).macro
  return { loss: value, macro_auc: auc, macro_average_precision: precision }
}

/** Whether a value is better than the best so far. */
export function isBetter(value: number | null, best: number | null, monitor: Monitor): boolean {
  if (value === null) return false
  return best === null || (monitor === 'loss' ? value < best : value > best)
}
