import { z } from 'zod'
import { commonOptions, defineLoss } from './define.js'
import { maskOf, reduce, weightsLike } from './parts.js'

/** Mean absolute error of the probabilities, averaged over known labels (IIT-G seed). Robust to wrong labels, slow to learn. */
export const mae = defineLoss({
  paper: 'Kejriwal et al. (IIT-G); Ghosh et al., Robust Loss Functions under Label Noise, AAAI 2017',
  formula: '|p - y|',
  options: z.strictObject(commonOptions),
  make:
    (_, { label_weights }) =>
    (logits, given) => {
      const { targets, known } = maskOf(logits, given)
      return reduce(logits.sigmoid().sub(targets).abs(), known, weightsLike(logits, label_weights))
    },
})
