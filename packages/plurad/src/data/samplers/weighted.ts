import { z } from 'zod'
import { classLists, classSettings } from './classes.js'
import { drawByWeight } from './draw.js'
import { defineSampler } from './sampler.js'

/**
 * Each image is drawn, independently and with replacement, in proportion to a weight: that of its rarest class, where a
 * class of n images weighs `1/n` (frequency) or `(1 - beta) / (1 - beta^n)` (effective number: Cui et al.,
 * Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019; as beta goes from 0 to 1, from equal weights
 * to `1/n`).
 */
export const weighted = defineSampler({
  summary: 'images in proportion to a weight by their rarest label: inverse frequency or effective number',
  settings: z.strictObject({
    name: z.literal('weighted'),
    weight: z.enum(['frequency', 'effective-number']).default('frequency'),
    /** Of the effective number. */
    beta: z.number().min(0).lt(1).default(0.999),
    ...classSettings,
  }),
  prepare(rows, { weight, beta, unlabelled, images_per_epoch: count }) {
    const weights = new Float64Array(rows.length)
    for (const list of classLists(rows, unlabelled)) {
      const n = list.length
      const value = weight === 'frequency' ? 1 / n : (1 - beta) / (1 - beta ** n)
      for (const row of list) weights[row] = Math.max(weights[row], value)
    }
    return (random) => {
      const draw = drawByWeight(weights, random)
      return Uint32Array.from({ length: count ?? rows.length }, draw)
    }
  },
})
