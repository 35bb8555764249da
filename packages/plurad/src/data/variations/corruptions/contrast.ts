import { contrast as contrastChange } from '../../augment/operations/contrast.js'
import { corruptionBy } from './corruption.js'

/** Values pulled towards their mean, as of another detector or window. */
export const contrast = corruptionBy(
  contrastChange,
  { name: 'contrast', amount: 'factor on the distance from the mean', amounts: [0.9, 0.8, 0.65, 0.5, 0.35] },
  (factor) => ({ factor: [factor, factor] }),
)
