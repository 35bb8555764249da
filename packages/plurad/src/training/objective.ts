/** What training makes smaller: the recipe's loss of a head's logits, and of its branches. */
import type { Tensor } from '@plurad/torch'
import type { Loss, LossContext } from '../losses/define.js'
import { makeLoss } from '../losses/registry.js'
import type { HeadOutput } from '../models/head.js'
import type { Part } from '../models/part.js'
import { inSinglePrecision } from './side-input.js'

export class Objective {
  /** The recipe's, of the logits alone: what validation reports. */
  readonly loss: Loss
  readonly #context: LossContext
  /** Of branches, by the name that they ask for. */
  readonly #others = new Map<string, Loss>()

  constructor(loss: Part, context: LossContext) {
    this.#context = context
    this.loss = makeLoss(loss, context)
  }

  /**
   * The loss plus that of each branch times its weight, in single precision: half precision cannot tell small probabilities
   * from nothing.
   *
   * @param targets [N, C], in [0, 1], NaN = unknown
   */
  of(output: HeadOutput, targets: Tensor): Tensor {
    const { branches = [] } = output
    return branches.reduce(
      (sum, { logits, weight, loss }) => sum.add(this.#named(loss)(logits.float(), targets).mul(weight)),
      this.loss(output.logits.float(), targets, inSinglePrecision(output)),
    )
  }

  #named(name: string | undefined): Loss {
    if (name === undefined) return this.loss
    const known = this.#others.get(name)
    if (known !== undefined) return known
    const made = makeLoss({ name }, this.#context)
    this.#others.set(name, made)
    return made
  }
}
