/** The recipe's optimiser and the course of its learning rate. */
import { optim } from '@plurad/torch'
import type { LossVariables } from '../losses/define.js'
import type { Classifier } from '../models/classifier.js'
import { parameterGroups, type LearningGroup } from '../models/parameter-groups.js'
import type { Recipe } from '../recipe/schema.js'

export type AnyOptimizer = optim.Optimizer<{ lr: number }>

type Settings = Recipe['training']

export interface Learning {
  optimizer: AnyOptimizer
  /** Share of the learning rate of each group of parameters; the first group is of weights, and has the whole of it. */
  shares: readonly number[]
}

/** Over the parameters that learn, and the variables of the loss where it has some. */
export function makeOptimizer(
  settings: Settings,
  model: Classifier,
  variables: LossVariables | null = null,
): Learning {
  const { weight_decay: weightDecay, layer_decay: layerDecay, no_decay: noDecay } = settings.optimizer
  const groups = parameterGroups(model, { weightDecay, layerDecay: layerDecay ?? 1, noDecay })
  return optimizerOf(settings, groups, variables)
}

/** The same over given parameters. */
export function optimizerOf(
  { optimizer: settings }: Settings,
  learning: readonly LearningGroup[],
  variables: LossVariables | null = null,
): Learning {
  const { name, learning_rate: lr, momentum } = settings
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
    case 'pesg': {
      const own = groupsOf(variables, lr)
      const { proximal } = settings
      return {
        optimizer: new optim.PESG([...groups, ...own.groups], { lr, momentum, proximal }),
        shares: [...shares, ...own.shares],
      }
    }
  }
}

/**
 * Groups for the variables of a loss. It is a mean over labels: without their number in the rate, each label's own variables
 * would learn the slower the more labels there are.
 */
function groupsOf(variables: LossVariables | null, lr: number) {
  const { minimised, maximised } = variables ?? { minimised: {}, maximised: {} }
  const groups = [
    { parameters: Object.values(minimised), ascend: false },
    { parameters: Object.values(maximised), ascend: true },
  ].filter(({ parameters }) => parameters.length > 0)
  const shares = groups.map(({ parameters }) => parameters[0].numel)
  return {
    groups: groups.map((group, i) => ({ ...group, lr: lr * shares[i], momentum: 0, proximal: 0 })),
    shares,
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
