import { tensor } from '@plurad/torch'
import { z } from 'zod'
import { RecipeError } from '../errors.js'
import { bce } from './bce.js'
import { effectiveNumberWeights } from './class-balanced.js'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, reduce } from './parts.js'

/**
 * Dual-weighted metric loss (Jin et al.): weighted BCE plus a term in the space of embeddings that pulls an image to the
 * vectors of its labels, y (1 - cos), and pushes it from the others, (1 - y) max(0, cos - margin); every pair weighs per class
 * (class-balanced) and per image (an image's positives together as much as its negatives). A reconstruction: the paper's
 * text is not at hand. Needs a head that gives `similarities`, such as `metric`.
 */
export const dualWeightedMetric = defineLoss({
  paper: 'Jin et al., dual-weighted metric loss for chest X-ray classification, 2023',
  formula: 'w_c BCE + alpha w_c [v_i+ y (1 - cos) + v_i- (1 - y) max(0, cos - margin)]',
  targets: 'hard',
  options: z.strictObject({
    ...commonOptions,
    alpha: z.number().min(0).default(1),
    margin: z.number().min(-1).max(1).default(0),
    beta: z.number().min(0).lt(1).default(0.9999),
  }),
  make: ({ statistics }, { label_weights, alpha, margin, beta }) => {
    const weights = effectiveNumberWeights(statistics.positives, beta).map(
      (w, c) => w * (label_weights?.[c] ?? 1),
    )
    return (logits, given, output) => {
      const cosines = output?.similarities
      if (cosines === undefined) {
        throw new RecipeError(
          'The loss dual_weighted_metric needs a head with label vectors in the space of the image: set model.head to metric.',
        )
      }
      const perLabel = tensor(weights, { dtype: logits.dtype, device: logits.device })
      const { targets, known } = maskOf(logits, given)
      const positives = targets.mul(known)
      const negatives = known.sub(positives)
      const half = known.sum(1, true).div(2)
      const pull = cosines
        .neg()
        .add(1)
        .mul(positives)
        .mul(half.div(positives.sum(1, true).clamp(1)))
      const push = cosines
        .sub(margin)
        .clamp(0)
        .mul(negatives)
        .mul(half.div(negatives.sum(1, true).clamp(1)))
      const classification = bce(logits, given, { weights: perLabel })
      return classification.add(reduce(pull.add(push), known, perLabel).mul(alpha))
    }
  },
})
