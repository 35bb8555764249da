import { z } from 'zod'
import { byClass, classLists, classSettings } from './classes.js'
import { drawByWeight } from './draw.js'
import { defineSampler } from './sampler.js'

/**
 * Square-root sampling: a class is drawn with a probability of `sqrt(n_c) / sum(sqrt(n_k))`, n being the number of its
 * images, half-way between what the data set has and every class equally often; the images of a class take turns.
 *
 * Mahajan et al., Exploring the Limits of Weakly Supervised Pretraining, ECCV 2018; as in Kang et al., Decoupling
 * Representation and Classifier for Long-Tailed Recognition, ICLR 2020, equation 1 with q = 1/2.
 */
export const squareRoot = defineSampler({
  summary: 'labels by the square root of their frequency, between that of the data set and equal',
  settings: z.strictObject({ name: z.literal('square-root'), ...classSettings }),
  prepare(rows, { unlabelled, images_per_epoch: count }) {
    const classes = classLists(rows, unlabelled)
    const weights = classes.map((list) => Math.sqrt(list.length))
    return byClass(classes, count ?? rows.length, (random) => drawByWeight(weights, random))
  },
})
