import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, meanOf, weightsLike } from './parts.js'

/**
 * AUC margin (Yuan et al.): E+ (h - a)^2 + E- (h - b)^2 + 2 alpha (m + E- h - E+ h) - alpha^2 with h = sigmoid(x), smallest over
 * a and b and largest over alpha >= 0, averaged over labels that have both classes in the batch. At the saddle point
 * a = E+ h, b = E- h and alpha = max(0, m + E- h - E+ h), so that on a batch it is var+ h + var- h + max(0, m + E- h - E+ h)^2:
 * that is computed here. Batches should hold both classes of a label (class-aware sampling).
 */
export const aucMargin = defineLoss({
  paper: 'Yuan et al., Large-scale Robust Deep AUC Maximization, ICCV 2021',
  formula: 'var+ h + var- h + max(0, m + E- h - E+ h)^2, h = sigmoid(x)',
  options: z.strictObject({ ...commonOptions, margin: z.number().positive().default(1) }),
  make:
    (_, { label_weights, margin }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const positives = targets.gt(0.5).to({ dtype: logits.dtype }).mul(known)
      const negatives = known.sub(positives)
      const h = logits.sigmoid()
      const [up, down] = [positives, negatives].map((chosen) => {
        const count = chosen.sum(0).clamp(1)
        const mean = h.mul(chosen).sum(0).div(count)
        const off = h.sub(mean).mul(chosen)
        return { mean, variance: off.mul(off).sum(0).div(count) }
      })
      const gap = down.mean.sub(up.mean).add(margin).clamp(0)
      const cost = up.variance.add(down.variance).add(gap.mul(gap))
      const weights = weightsLike(logits, label_weights)
      return meanOf(weights === null ? cost : cost.mul(weights), positives.amax(0).mul(negatives.amax(0)))
    },
})
