import { gaussianNoise } from '../../augment/operations/gaussian-noise.js'
import { corruptionBy } from './corruption.js'

/** Independent normal noise on every pixel, as of a low dose. */
export const noise = corruptionBy(
  gaussianNoise,
  {
    name: 'noise',
    amount: 'standard deviation, share of full scale',
    amounts: [0.01, 0.02, 0.04, 0.06, 0.1],
  },
  (std) => ({ std: [std, std] }),
)
