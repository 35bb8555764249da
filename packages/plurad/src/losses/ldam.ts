import { tensor } from '@plurad/torch'
import { z } from 'zod'
import { effectiveNumberWeights } from './class-balanced.js'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, negativeCost, positiveCost, reduce } from './parts.js'

/**
 * Label-distribution-aware margins (Cao et al.), sigmoid form: a present label's logit has to exceed the threshold by
 * m_c = 0.5 n_c^(-1/4) / max_j n_j^(-1/4), larger for rare labels; BCE of s (x - m_c y), in proportion for soft y. Meant for a cosine classifier
 * (head `cosine` with scale 1): with free lengths the margin means nothing. `reweight` adds class-balanced weights;
 * `training.deferred_reweighting` switches them on late: LDAM-DRW.
 */
export const ldam = defineLoss({
  paper: 'Cao et al., Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss, NeurIPS 2019',
  formula: 'BCE(s (x - m_c y)), m_c = m n_c^(-1/4) / max_j n_j^(-1/4)',
  options: z.strictObject({
    ...commonOptions,
    scale: z.number().positive().default(30),
    max_margin: z.number().min(0).default(0.5),
    /** Beta of the class-balanced weights; null for none. */
    reweight: z.number().min(0).lt(1).nullable().default(null),
  }),
  make: ({ statistics }, { label_weights, scale, max_margin, reweight }) => {
    const roots = statistics.positives.map((count) => Math.max(count, 1) ** -0.25)
    const largest = Math.max(...roots)
    const margins = roots.map((root) => (max_margin * root) / largest)
    const balanced = reweight === null ? null : effectiveNumberWeights(statistics.positives, reweight)
    const weights = margins.map((_, c) => (balanced?.[c] ?? 1) * (label_weights?.[c] ?? 1))
    return (logits, given) => {
      const like = { dtype: logits.dtype, device: logits.device }
      const { targets, known } = maskOf(logits, given)
      const present = positiveCost(logits.sub(tensor(margins, like)).mul(scale))
      const absent = negativeCost(logits.mul(scale))
      // In proportion to the target, so that a mixed label costs the mixture of what it costs present and absent.
      const costs = present.mul(targets).add(absent.mul(targets.neg().add(1)))
      return reduce(costs, known, tensor(weights, like))
    }
  },
})
