import { tensor } from '@plurad/torch'
import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, negativeCost, positiveCost, reduce, weightsLike } from './parts.js'

/**
 * BCE with the costs of positives times (P + N) / P and of negatives times (P + N) / N (Wang et al., ChestX-ray8). P and N
 * are counted over all labels of a batch, as published, or for every label over the training split. Where one of them is
 * 0 its factor does not matter, and is 1.
 */
export const weightedBce = defineLoss({
  paper: 'Wang et al., ChestX-ray8, CVPR 2017',
  formula: '-[(P + N)/P y log p + (P + N)/N (1 - y) log(1 - p)]',
  options: z.strictObject({ ...commonOptions, counts: z.enum(['batch', 'dataset']).default('batch') }),
  make: ({ statistics }, { label_weights, counts }) => {
    const perLabel = statistics.known.map((known, c) => {
      const [present, absent] = [statistics.positives[c], known - statistics.positives[c]]
      return [present > 0 ? known / present : 1, absent > 0 ? known / absent : 1] as const
    })
    return (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      const like = { dtype: logits.dtype, device: logits.device }
      const fromBatch = () => {
        const all = known.sum()
        const present = targets.mul(known).sum()
        return [all.div(present.clamp(1)), all.div(all.sub(present).clamp(1))] as const
      }
      const [positive, negative] =
        counts === 'batch'
          ? fromBatch()
          : ([0, 1] as const).map((side) =>
              tensor(
                perLabel.map((pair) => pair[side]),
                like,
              ),
            )
      const costs = positiveCost(logits)
        .mul(targets)
        .mul(positive)
        .add(negativeCost(logits).mul(targets.neg().add(1)).mul(negative))
      return reduce(costs, known, weightsLike(logits, label_weights))
    }
  },
})
