import { z } from 'zod'
import { shuffle } from '../random.js'
import { defineSampler } from './sampler.js'

export const shuffled = defineSampler({
  summary: 'every image once, in another order every epoch',
  settings: z.strictObject({ name: z.literal('shuffled') }),
  prepare: (rows) => (random) => shuffle(Uint32Array.from(rows.keys()), random),
})
