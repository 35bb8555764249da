import { z } from 'zod'
import { defineSampler } from './sampler.js'

export const sequential = defineSampler({
  summary: 'every image once, in the order of the table',
  settings: z.strictObject({ name: z.literal('sequential') }),
  prepare: (rows) => () => Uint32Array.from(rows.keys()),
})
