import { z } from 'zod'
import { byClass, classLists, classSettings, Cycle } from './classes.js'
import { defineSampler } from './sampler.js'

/**
 * Class-aware sampling: the classes take turns, in another order every round, and so do the images of each class; every
 * label is drawn equally often, however rare it is. Images of several labels still bring common labels along.
 *
 * Shen, Lin and Huang, Relay Backpropagation for Effective Learning of Deep Convolutional Neural Networks, ECCV 2016.
 */
export const classAware = defineSampler({
  summary: 'every label equally often: classes take turns, then the images of a class',
  settings: z.strictObject({ name: z.literal('class-aware'), ...classSettings }),
  prepare(rows, { unlabelled, images_per_epoch: count }) {
    const classes = classLists(rows, unlabelled)
    return byClass(classes, count ?? rows.length, (random) => {
      const turns = new Cycle(Uint32Array.from(classes.keys()), random)
      return () => turns.next()
    })
  },
})
