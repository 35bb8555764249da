/** The recipe's optimiser and the course of its learning rate. */
import { optim } from '@plurad/torch'
import type { Classifier } from '../models/classifier.js'
import { parameterGroups } from '../models/parameter-groups.js'
import type { Recipe } from '../recipe/schema.js'

export type AnyOptimizer = optim.Optimizer<{ lr: number }>

type Settings = Recipe['training']

export interface Learning {
  optimizer: AnyOptimizer
  /** Share of the learning rate of each group of parameters; the first group's is the largest. */
  shares: readonly number[]
}

/** Over the parameters that learn. */
export function makeOptimizer({ optimizer: settings }: Settings, model: Classifier): Learning {
  const { name, learning_rate: lr, momentum } = settings
  const learning = parameterGroups(model, {
    weightDecay: settings.weight_decay,
    layerDecay: settings.layer_decay ?? 1,
    noDecay: settings.no_decay,
  })
  const shares = learning.map(({ share }) => share)
  const groups = learning.map(({ parameters, weightDecay, share }) => ({
    parameters,
    weightDecay,
    lr: lr * share,
  }))
  switch (name) {
    case 'adam':
      return { optimizer: new optim.Adam(groups, { lr }), shares }
    case 'adamw':
      return { optimizer: new optim.AdamW(groups, { lr }), shares }
    case 'sgd':
      return { optimizer: new optim.SGD(groups, { lr, momentum }), shares }
  }
}

/**
 * @param epochs since the start, with their fraction
 * @param plateauFactor what the plateau schedule has come down to
 */
export function learningRateAt(
  { optimizer, schedule, epochs: total }: Settings,
  epochs: number,
  plateauFactor: number,
): number {
  const { warmup_epochs: warmup } = schedule
  const factor =
    schedule.name === 'cosine'
      ? optim.cosine(Math.max(total - warmup, 1e-9))(Math.max(epochs - warmup, 0))
      : schedule.name === 'plateau'
        ? plateauFactor
        : 1
  const warm = warmup > 0 ? Math.min(1, (epochs + 0.01) / warmup) : 1
  return optimizer.learning_rate * factor * warm
}
