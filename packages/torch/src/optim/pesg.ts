import { aten } from '../aten.js'
import { noGrad } from '../autograd.js'
import { scope } from '../memory.js'
import type { Parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { Optimizer, zerosAs, type GroupInput } from './optimizer.js'

export interface PESGSettings {
  lr: number
  /** Of the descent. */
  momentum: number
  weightDecay: number
  /** Pull to the reference weights, gamma of the paper (`epoch_decay` of libauc); 0 for none. */
  proximal: number
  /** This group goes uphill and stays at or above zero: the dual variables of a min-max loss. */
  ascend: boolean
  /** Updates of the stage under way. */
  stageSteps: number
}

/**
 * Proximal epoch stochastic gradient (Yuan et al., Large-scale Robust Deep AUC Maximization, ICCV 2021; libauc's PESG), for
 * losses that are smallest over weights w and largest over dual variables alpha >= 0. Descent:
 * v = momentum v + g + gamma (w - w_ref) + weight_decay w, w -= lr v; projected ascent: alpha = max(0, alpha + lr g).
 * w_ref is the mean of the weights over the stage before, at first the initial ones; `newStage` begins the next.
 */
export class PESG extends Optimizer<PESGSettings> {
  constructor(parameters: GroupInput<PESGSettings>, settings: Partial<PESGSettings> = {}) {
    super(parameters, {
      ...{ lr: 0.1, momentum: 0, weightDecay: 0, proximal: 2e-3, ascend: false, stageSteps: 0 },
      ...settings,
    })
  }

  override step(): void {
    for (const { settings } of this.groups) settings.stageSteps++
    super.step()
  }

  protected override update(
    parameters: readonly Parameter[],
    gradients: readonly Tensor[],
    { lr, momentum, weightDecay, proximal, ascend, stageSteps }: PESGSettings,
  ): void {
    if (ascend) {
      aten._foreach_add_.List(parameters, gradients, { alpha: lr })
      for (const parameter of parameters) parameter.clamp_(0)
      return
    }
    let direction: readonly Tensor[] = gradients
    if (proximal !== 0) {
      const references = this.stateOf(parameters, 'reference', (parameter) => parameter.detach().clone())
      const away = aten._foreach_sub.List(parameters, references)
      direction = aten._foreach_add.List(direction, away, { alpha: proximal })
    }
    if (weightDecay !== 0) direction = aten._foreach_add.List(direction, parameters, { alpha: weightDecay })
    if (momentum !== 0) {
      const velocity = this.stateOf(parameters, 'momentum_buffer', zerosAs)
      aten._foreach_mul_.Scalar(velocity, momentum)
      aten._foreach_add_.List(velocity, direction)
      direction = velocity
    }
    aten._foreach_add_.List(parameters, direction, { alpha: -lr })
    if (proximal !== 0) {
      const means = this.stateOf(parameters, 'stage_mean', zerosAs)
      const off = aten._foreach_sub.List(parameters, means)
      aten._foreach_add_.List(means, off, { alpha: 1 / stageSteps })
    }
  }

  /** Ends a stage: the mean of its weights becomes what the next one's are pulled to. libauc does it where it lowers lr. */
  newStage(): void {
    noGrad(() =>
      scope(() => {
        const { tensors } = this.stateDict()
        for (const [key, mean] of tensors) {
          if (!key.endsWith('.stage_mean')) continue
          tensors.get(key.replace('.stage_mean', '.reference'))?.copy_(mean)
        }
      }),
    )
    for (const { settings } of this.groups) settings.stageSteps = 0
  }
}
