import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { logSumExpOf, maskOf, softplus, weightsLike } from './parts.js'
import { bothWays } from './two-way.js'

/**
 * Ranking softmax ("MLSL"): log(1 + sum over p in Y+ and n in Y- of e^(x_n - x_p)) within each image, and the same between
 * the images of one label. The double sum is the product of two: softplus(LSE_neg(x) + LSE_pos(-x)).
 */
export const rankingSoftmax = defineLoss({
  paper: 'Yi et al., Multi-Label Softmax Networks for Pulmonary Nodule Classification, 2022',
  formula: 'log(1 + sum_{p in Y+, n in Y-} e^(x_n - x_p)), per image and per label',
  targets: 'hard',
  options: z.strictObject(commonOptions),
  make:
    (_, { label_weights }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const weights = weightsLike(logits, label_weights)
      return bothWays(targets, known, (positives, negatives, dim) =>
        softplus(
          logSumExpOf(logits, negatives, dim, weights).add(
            logSumExpOf(logits.neg(), positives, dim, weights),
          ),
        ),
      )
    },
})
