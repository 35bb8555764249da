import { tensor } from '@plurad/torch'
import { z } from 'zod'
import { bce } from './bce.js'
import { effectiveNumberWeights } from './class-balanced.js'
import { commonOptions, defineLoss } from './define.js'

/**
 * Label-distribution-aware margins (Cao et al.), sigmoid form: a present label's logit has to exceed the threshold by
 * m_c = 0.5 n_c^(-1/4) / max_j n_j^(-1/4), larger for rare labels; BCE of s (x - m_c y). Meant for a cosine classifier
 * (head `cosine` with scale 1): with free lengths the margin means nothing. `reweight` adds class-balanced weights; a schedule
 * that switches them on late is DRW.
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
    return (logits, targets) => {
      const like = { dtype: logits.dtype, device: logits.device }
      const present = targets.gt(0.5).to({ dtype: logits.dtype })
      const moved = logits.sub(present.mul(tensor(margins, like))).mul(scale)
      return bce(moved, targets, { weights: tensor(weights, like) })
    }
  },
})
