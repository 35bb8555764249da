/** Every loss by its name in a recipe. Adding one is a file and a line here. */
import { aucMargin } from './auc-margin.js'
import { asl } from './asl.js'
import { bceLoss } from './bce.js'
import { classBalanced } from './class-balanced.js'
import { crossEntropy } from './cross-entropy.js'
import type { Loss, LossContext, LossEntry } from './define.js'
import { distributionBalanced } from './distribution-balanced.js'
import { dualWeightedMetric } from './dual-weighted-metric.js'
import { focal } from './focal.js'
import { gce } from './gce.js'
import { hill } from './hill.js'
import { ldam } from './ldam.js'
import { mae } from './mae.js'
import { msml } from './msml.js'
import { ral } from './ral.js'
import { rankingSoftmax } from './ranking-softmax.js'
import { softF1 } from './soft-f1.js'
import { twoWay } from './two-way.js'
import { weightedBce } from './weighted-bce.js'
import { zlpr } from './zlpr.js'
import { checkOptions, type Part } from '../models/part.js'
import { lookUp } from '../models/registry.js'

export const losses: Readonly<Record<string, LossEntry>> = {
  bce: bceLoss,
  mae,
  cross_entropy: crossEntropy,
  soft_f1: softF1,
  weighted_bce: weightedBce,
  class_balanced: classBalanced,
  focal,
  asl,
  hill,
  ral,
  two_way: twoWay,
  msml,
  ranking_softmax: rankingSoftmax,
  zlpr,
  distribution_balanced: distributionBalanced,
  ldam,
  gce,
  auc_margin: aucMargin,
  dual_weighted_metric: dualWeightedMetric,
}

/** Throws `RecipeError` for an unknown name or a misspelt option. */
export function checkLoss({ name, ...options }: Part): void {
  checkOptions(lookUp(losses, 'loss', name).options, `loss ${name}`, options)
}

/** Whether labels between absent and present mean something to a loss. Throws `RecipeError` for an unknown name. */
export function takesSoftTargets(name: string): boolean {
  return lookUp(losses, 'loss', name).targets === 'soft'
}

/** The loss that a recipe names, for these labels. Throws `RecipeError`. */
export function makeLoss(part: Part, context: LossContext): Loss {
  checkLoss(part)
  const { name, ...options } = part
  return lookUp(losses, 'loss', name).make(context, options)
}
