import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, meanOf, weightsLike } from './parts.js'

/**
 * 1 minus the macro F1 with probabilities in the place of decisions: TP = sum p y, FP = sum p (1 - y), FN = sum (1 - p) y
 * over the batch (Guita seed's LSTM). Labels of which nothing is known count nothing.
 */
export const softF1 = defineLoss({
  paper: 'Guita (competition report)',
  formula: '1 - mean over labels of 2 TP / (2 TP + FP + FN + eps)',
  options: z.strictObject({ ...commonOptions, eps: z.number().positive().default(1e-8) }),
  make:
    (_, { label_weights, eps }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const p = logits.sigmoid().mul(known)
      const hits = p.mul(targets).sum(0).mul(2)
      // 2 TP + FP + FN = sum p + sum y
      const f1 = hits.div(p.sum(0).add(targets.mul(known).sum(0)).add(eps))
      const weights = weightsLike(logits, label_weights)
      const missing = f1.neg().add(1)
      return meanOf(weights === null ? missing : missing.mul(weights), known.amax(0))
    },
})
