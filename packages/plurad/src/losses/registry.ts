/** Every loss by its name in a recipe. Adding one is a file and a line here. */
import type { Tensor } from '@plurad/torch'
import { bce } from './bce.js'

/** Logits [N, C] and targets [N, C] (1, 0, NaN = unknown) -> a scalar tensor. */
export type Loss = (logits: Tensor, targets: Tensor) => Tensor

export const losses: Readonly<Record<string, Loss>> = {
  bce,
}
