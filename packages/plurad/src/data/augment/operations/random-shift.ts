import { z } from 'zod'
import { translation } from '../geometry.js'
import { geometric } from '../operation.js'

/** Moves by whole pixels, so that nothing is blurred. */
export const randomShift = geometric({
  name: 'random_shift',
  summary: 'move by up to so many whole pixels along each axis',
  settings: {
    pixels: z.int().min(0).default(4),
    fill: z.enum(['black', 'edge']).default('edge'),
  },
  p: 1,
  fill: ({ fill }) => fill,
  draw({ pixels }, random) {
    const shift = (): number => random.integer(2 * pixels + 1) - pixels
    return translation(shift(), shift())
  },
})
