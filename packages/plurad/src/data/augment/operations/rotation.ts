import { z } from 'zod'
import { affine } from '../geometry.js'
import { geometric } from '../operation.js'

/** Turns by an angle out of `[-degrees, degrees]`; torchvision's `RandomRotation`. */
export const rotation = geometric({
  name: 'rotation',
  summary: 'turn by up to so many degrees',
  settings: {
    degrees: z.number().min(0).max(180).default(10),
    fill: z.enum(['black', 'edge']).default('black'),
  },
  p: 1,
  fill: ({ fill }) => fill,
  draw({ degrees }, random) {
    return affine({ angle: random.range(-degrees, degrees), translate: [0, 0], scale: 1, shear: [0, 0] })
  },
})
