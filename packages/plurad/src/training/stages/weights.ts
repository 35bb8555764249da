/** Weights that a stage wrote, back into a model. */
import { loadSafetensors, scope, type nn } from '@plurad/torch'
import { RunError } from '../../errors.js'

/**
 * Loads a file of weights into a module.
 *
 * @param prefix of the keys to load; others are left aside, and it is taken off
 * @throws RunError naming the file where it cannot be read or does not fit
 */
export function loadWeights(file: string, module: nn.AnyModule, prefix = ''): void {
  scope(() => {
    try {
      const own = [...loadSafetensors(file).tensors].filter(([key]) => key.startsWith(prefix))
      module.loadStateDict(new Map(own.map(([key, value]) => [key.slice(prefix.length), value])))
    } catch (error) {
      throw new RunError(
        `The weights ${file} cannot be read: ${(error as Error).message}. They are written whenever an epoch is the best so ` +
          'far; bring them back from a copy, or start the run again in another folder to make them anew.',
        { cause: error },
      )
    }
  })
}
