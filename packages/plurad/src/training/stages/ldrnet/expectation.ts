/** LDRNet's E-step: everything but the classifier learns, from the training images, by generalised cross-entropy. */
import { manualSeed } from '@plurad/torch'
import { hashOf } from '../../../data/random.js'
import { makeFolder } from '../../../files.js'
import { STAGE_FOLDERS, StageFolder } from '../../../run/stage-folder.js'
import type { TrainingMessage } from '../../job.js'
import { Trainer } from '../../trainer.js'
import type { StageContext } from '../stage.js'

/** Keeps its random numbers apart from those of the run's other epochs. */
const E_STEP = 0x6573

export interface Expectation {
  /** Of all, from 1. */
  round: number
  rounds: number
  epochs: number
  q: number
  /** Epochs of the rounds before. */
  behind: number
}

/**
 * The supervised training of one round, as the recipe has it but for loss, epochs and seed; whoever calls it has set what
 * learns. It goes on from what lies in `folderOf` its round.
 */
export function expectation(
  context: StageContext,
  { round, rounds, epochs, q, behind }: Expectation,
): Trainer {
  const { job, model, loader, placement, precision, hooks } = context
  const folder = folderOf(context, round)
  for (const name of STAGE_FOLDERS) makeFolder(folder.file(name))
  const { recipe } = job
  // Other orders and augmentations in every round.
  const seed = hashOf(E_STEP, recipe.training.seed, round)
  // What is drawn within the network; a checkpoint brings its own.
  manualSeed(seed)
  const training = { ...recipe.training, epochs, early_stopping: null, seed }
  const counted = (message: TrainingMessage): TrainingMessage => {
    if (message.kind !== 'batch' && message.kind !== 'epoch') return message
    const place = { epoch: behind + message.epoch, epochs: rounds * epochs }
    // No epoch is the best before its round is judged.
    return message.kind === 'batch' ? { ...message, ...place } : { ...message, ...place, best: false }
  }
  return new Trainer(
    { ...job, recipe: { ...recipe, loss: { name: 'gce', q }, training } },
    { model, loader, placement, precision },
    {
      post: (message) => hooks.post(counted(message)),
      get stopped() {
        return hooks.stopped
      },
    },
    folder,
  )
}

export function folderOf({ folder }: StageContext, round: number): StageFolder {
  return new StageFolder(folder.file(`round-${round}`))
}
