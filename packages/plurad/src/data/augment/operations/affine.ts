import { z } from 'zod'
import { affine } from '../geometry.js'
import { geometric, interval } from '../operation.js'

/** Turns, moves, scales and shears in one step; torchvision's `RandomAffine`, with moves by parts of a pixel. */
export const affineChange = geometric({
  name: 'affine',
  summary: 'turn, move, scale and shear',
  settings: {
    /** Largest angle, either way. */
    degrees: z.number().min(0).max(180).default(0),
    /** Largest move along each axis, as a share of the side. */
    translate: z.number().min(0).max(1).default(0),
    /** Factor on the size of what is seen. */
    scale: interval({ min: 0.1, max: 10 }, [1, 1]),
    /** Largest shear along x, degrees. */
    shear: z.number().min(0).max(60).default(0),
    fill: z.enum(['black', 'edge']).default('black'),
  },
  p: 1,
  fill: ({ fill }) => fill,
  draw({ degrees, translate, scale, shear }, random, { size }) {
    const upTo = (most: number): number => (most === 0 ? 0 : random.range(-most, most))
    return affine({
      angle: upTo(degrees),
      translate: [upTo(translate * size), upTo(translate * size)],
      scale: random.range(scale[0], scale[1]),
      shear: [upTo(shear), 0],
    })
  },
})
