import { Parameter, zeros, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { commonOptions, defineLoss, type Loss } from './define.js'
import { maskOf, meanOf, weightsLike } from './parts.js'

/** Mean [C] of h, and of its squared distance from a point [C], over the images that are chosen. */
interface Side {
  mean: Tensor
  spread: (from: Tensor) => Tensor
}

/**
 * AUC margin (Yuan et al.): E+ (h - a)^2 + E- (h - b)^2 + 2 alpha (m + E- h - E+ h) - alpha^2 with h = sigmoid(x), smallest over
 * a and b and largest over alpha >= 0, averaged over labels that have both classes in the batch (class-aware sampling
 * sees to that). Mode `min_max`: a, b and alpha are variables that keep what earlier batches taught, learned by the optimiser
 * `pesg`, as published. Mode `closed`: at the saddle point of one batch a = E+ h, b = E- h and
 * alpha = max(0, m + E- h - E+ h), so that it is var+ h + var- h + max(0, m + E- h - E+ h)^2; any optimiser learns it.
 */
export const aucMargin = defineLoss({
  paper: 'Yuan et al., Large-scale Robust Deep AUC Maximization, ICCV 2021',
  formula: 'var+ h + var- h + max(0, m + E- h - E+ h)^2, h = sigmoid(x)',
  targets: 'hard',
  options: z.strictObject({
    ...commonOptions,
    margin: z.number().positive().default(1),
    mode: z.enum(['closed', 'min_max']).default('closed'),
  }),
  make: ({ labels }, { label_weights, margin, mode }) => {
    const perLabel = (cost: (present: Side, absent: Side) => Tensor): Loss => {
      return (logits, given) => {
        const { targets, known } = maskOf(logits, given)
        const positives = targets.gt(0.5).to({ dtype: logits.dtype }).mul(known)
        const negatives = known.sub(positives)
        const h = logits.sigmoid()
        const [present, absent] = [positives, negatives].map((chosen): Side => {
          const count = chosen.sum(0).clamp(1)
          const meanOfChosen = (values: Tensor): Tensor => values.mul(chosen).sum(0).div(count)
          return { mean: meanOfChosen(h), spread: (from) => meanOfChosen(h.sub(from).pow(2)) }
        })
        const costs = cost(present, absent)
        const weights = weightsLike(logits, label_weights)
        return meanOf(weights === null ? costs : costs.mul(weights), positives.amax(0).mul(negatives.amax(0)))
      }
    }
    if (mode === 'closed') {
      return perLabel((present, absent) => {
        const gap = absent.mean.sub(present.mean).add(margin).clamp(0)
        return present.spread(present.mean).add(absent.spread(absent.mean)).add(gap.mul(gap))
      })
    }
    const [a, b, alpha] = [0, 1, 2].map(() => new Parameter(zeros([labels.length])))
    const loss = perLabel((present, absent) => {
      const dual = alpha.to({ dtype: present.mean.dtype })
      const gap = absent.mean.sub(present.mean).add(margin)
      return present.spread(a).add(absent.spread(b)).add(dual.mul(2).mul(gap)).sub(dual.mul(dual))
    })
    loss.variables = { minimised: { a, b }, maximised: { alpha } }
    return loss
  },
})
