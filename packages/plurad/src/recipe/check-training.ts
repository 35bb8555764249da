/** Which settings of training go together: what no single key can know. */
import { RecipeError } from '../errors.js'
import { losses, takesSoftTargets } from '../losses/registry.js'
import type { Recipe } from './schema.js'

/** Throws `RecipeError`. */
export function checkTraining({ loss, mixing, training }: Recipe): void {
  checkTargets(loss.name, mixing, training.label_smoothing)
  checkSaddle(loss, training)
  const { deferred_reweighting: deferred, epochs } = training
  if (deferred !== null && deferred.from_epoch > epochs) {
    throw new RecipeError(
      `training.deferred_reweighting.from_epoch is ${deferred.from_epoch}, but there are ${epochs} epochs: it would never begin.`,
    )
  }
}

function checkTargets(loss: string, mixing: Recipe['mixing'], smoothing: number): void {
  if ((mixing === null && smoothing === 0) || takesSoftTargets(loss)) return
  const [what, without] =
    mixing === null
      ? ['training.label_smoothing makes', 'training.label_smoothing=0']
      : [`mixing ${mixing.name} makes`, 'mixing=null']
  const soft = Object.keys(losses).filter(takesSoftTargets)
  throw new RecipeError(
    `${what} labels between absent and present, which the loss ${loss} would round: to it a label is the one or the other. ` +
      `Use ${without}, or one of the losses ${soft.join(', ')}.`,
  )
}

function checkSaddle(
  loss: Recipe['loss'],
  { optimizer, deferred_reweighting: deferred }: Recipe['training'],
): void {
  const saddle = loss.name === 'auc_margin' && loss['mode'] === 'min_max'
  if (saddle && optimizer.name !== 'pesg') {
    throw new RecipeError(
      `The loss auc_margin with mode min_max has variables that make it larger, which ${optimizer.name} cannot learn: set ` +
        'training.optimizer.name to pesg, or loss.mode to closed.',
    )
  }
  if (!saddle && optimizer.name === 'pesg') {
    throw new RecipeError(
      'training.optimizer.name=pesg is for a loss with variables that make it larger: set loss to ' +
        '{name: auc_margin, mode: min_max}, or take sgd.',
    )
  }
  if (saddle && deferred !== null) {
    throw new RecipeError(
      'training.deferred_reweighting begins with a new loss in the middle, and auc_margin with mode min_max would lose its ' +
        'variables: set loss.mode to closed.',
    )
  }
}
