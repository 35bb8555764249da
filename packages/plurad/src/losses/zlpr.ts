import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { logSumExpOf, maskOf, meanOf, softplus, weightsLike } from './parts.js'

/**
 * Zero-bounded log-sum-exp and pairwise rank (Su et al.): log(1 + sum over Y- of e^x) + log(1 + sum over Y+ of e^-x),
 * averaged over images with a known label. 0 is the threshold between present and absent.
 */
export const zlpr = defineLoss({
  paper: 'Su et al., ZLPR: A Novel Loss for Multi-label Classification, arXiv:2208.02955',
  formula: 'log(1 + sum_{Y-} e^x) + log(1 + sum_{Y+} e^-x)',
  targets: 'hard',
  options: z.strictObject(commonOptions),
  make:
    (_, { label_weights }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const weights = weightsLike(logits, label_weights)
      const positives = targets.gt(0.5).to({ dtype: logits.dtype }).mul(known)
      const absent = softplus(logSumExpOf(logits, known.sub(positives), 1, weights))
      const present = softplus(logSumExpOf(logits.neg(), positives, 1, weights))
      return meanOf(absent.add(present), known.amax(1))
    },
})
