import { stack } from '@plurad/torch'
import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, reduce, weightsLike } from './parts.js'

/**
 * Two-way softmax cross-entropy for every label (SwinCheX's heads; the Guita seed's weak baseline). With outputs a
 * (absent) and b (present), softmax([a, b])[1] = sigmoid(b - a), and our heads give x = b - a: it equals BCE there. It is
 * computed here from the pair (-x/2, x/2).
 */
export const crossEntropy = defineLoss({
  paper: 'Taslimi et al., SwinCheX, arXiv:2206.04246',
  formula: '-log softmax([-x/2, x/2])[y]',
  options: z.strictObject(commonOptions),
  make:
    (_, { label_weights }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const half = logits.div(2)
      const logSoftmax = stack([half.neg(), half], 2).logSoftmax(2)
      const chosen = stack([targets.neg().add(1), targets], 2)
      return reduce(logSoftmax.mul(chosen).sum(2).neg(), known, weightsLike(logits, label_weights))
    },
})
