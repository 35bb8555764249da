import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { logSumExpOf, maskOf, meanOf, softplus, weightsLike } from './parts.js'

/**
 * Multi-label softmax loss (Ge et al.): each present label against all absent ones,
 * -(1/|Y+|) sum over c in Y+ of log(e^x_c / (e^x_c + sum over n in Y- of e^x_n)); for an image without findings
 * log(1 + sum over n of e^x_n). Averaged over images with a known label. A reconstruction from the abstract: the paper's
 * exact text is not at hand.
 */
export const msml = defineLoss({
  paper: 'Ge et al., Chest X-rays Classification: A Multi-Label and Fine-Grained Problem, arXiv:1807.07247',
  formula: '-(1/|Y+|) sum_{c in Y+} log(e^x_c / (e^x_c + sum_{n in Y-} e^x_n))',
  targets: 'hard',
  options: z.strictObject(commonOptions),
  make:
    (_, { label_weights }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const weights = weightsLike(logits, label_weights)
      const positives = targets.gt(0.5).to({ dtype: logits.dtype }).mul(known)
      const negatives = known.sub(positives)
      const absent = logSumExpOf(logits, negatives, 1, weights)
      const counted = weights === null ? positives : positives.mul(weights)
      const costs = softplus(absent.unsqueeze(1).sub(logits)).maskedFill(positives.eq(0), 0)
      const perImage = costs.mul(counted).sum(1).div(counted.sum(1).clamp(1e-12))
      const without = positives.amax(1).eq(0)
      return meanOf(perImage.where(without.logicalNot(), softplus(absent)), known.amax(1))
    },
})
