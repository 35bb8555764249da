/** What training makes smaller: the recipe's loss of a head's logits, and of its branches. */
import type { Tensor } from '@plurad/torch'
import { RecipeError } from '../errors.js'
import { effectiveNumberWeights } from '../losses/class-balanced.js'
import type { Loss, LossContext } from '../losses/define.js'
import { makeLoss, takesSoftTargets } from '../losses/registry.js'
import type { HeadOutput } from '../models/head.js'
import type { Part } from '../models/part.js'
import type { Recipe } from '../recipe/schema.js'
import { inSinglePrecision } from './side-input.js'

export interface ObjectiveSettings {
  deferred: Recipe['training']['deferred_reweighting']
  /** Whether labels lie between absent and present: mixed, smoothed or a teacher's probabilities. */
  soft: boolean
}

export class Objective {
  /** The recipe's, of the logits alone: what validation reports. */
  readonly loss: Loss
  readonly #context: LossContext
  readonly #soft: boolean
  /** The same with weights for rare labels, and the epoch, from 1, that it begins with. */
  readonly #deferred: { loss: Loss; from: number } | null
  /** Of branches, by the name that they ask for. */
  readonly #others = new Map<string, Loss>()

  constructor(
    loss: Part,
    context: LossContext,
    { deferred, soft }: ObjectiveSettings = { deferred: null, soft: false },
  ) {
    this.#context = context
    this.#soft = soft
    if (soft) assertSoft(loss.name, 'The recipe learns')
    this.loss = makeLoss(loss, context)
    this.#deferred = deferred === null ? null : reweighted(loss, context, deferred)
  }

  /**
   * The loss plus that of each branch times its weight, in single precision: half precision cannot tell small probabilities
   * from nothing.
   *
   * @param targets [N, C], in [0, 1], NaN = unknown
   * @param epoch from 1
   */
  of(output: HeadOutput, targets: Tensor, epoch: number): Tensor {
    const { branches = [] } = output
    const main = this.#deferred !== null && epoch >= this.#deferred.from ? this.#deferred.loss : this.loss
    return branches.reduce(
      (sum, { logits, weight, loss }) =>
        sum.add((loss === undefined ? main : this.#named(loss))(logits.float(), targets).mul(weight)),
      main(output.logits.float(), targets, inSinglePrecision(output)),
    )
  }

  #named(name: string): Loss {
    const known = this.#others.get(name)
    if (known !== undefined) return known
    if (this.#soft) assertSoft(name, 'A branch of the head learns')
    const made = makeLoss({ name }, this.#context)
    this.#others.set(name, made)
    return made
  }
}

function assertSoft(name: string, who: string): void {
  if (takesSoftTargets(name)) return
  throw new RecipeError(
    `${who} with the loss ${name}, to which a label is present or absent: labels in between, from mixing, ` +
      'training.label_smoothing or the probabilities of a teacher, would be rounded. Leave them out, or take another loss or head.',
  )
}

/** Deferred re-weighting (Cao et al., NeurIPS 2019): from an epoch on, labels count by their effective numbers. */
function reweighted(
  loss: Part,
  context: LossContext,
  { from_epoch: from, beta }: NonNullable<ObjectiveSettings['deferred']>,
): { loss: Loss; from: number } {
  const given = loss['label_weights'] as readonly number[] | null | undefined
  const weights = effectiveNumberWeights(context.statistics.positives, beta)
  const label_weights = weights.map((weight, c) => weight * (given?.[c] ?? 1))
  return { loss: makeLoss({ ...loss, label_weights }, context), from }
}
