/** What an augmentation is. To add one: a file in `operations/` and a line in `registry.ts`. */
import { z } from 'zod'
import type { Random } from '../random.js'
import type { Fill, Frame, Transform } from './geometry.js'

/** One sample's pixels, changed in place. */
export interface Picture {
  /** [planes, size, size] in [0, 1]; the planes of several images lie one after the other. */
  pixels: Float32Array
  size: number
  /** Planes of one image: 1 grey, 3 red-green-blue. */
  channels: number
}

/** An operation with checked settings. */
export type Bound = {
  /** How often it is done, in [0, 1]. */
  p: number
} & (
  | {
      kind: 'geometric'
      /** What lies beyond the image; null where nothing of it is ever seen. */
      fill: Fill | null
      /** Draws where each pixel of the result comes from. */
      draw: (random: Random, frame: Frame) => Transform
    }
  | {
      kind: 'intensity'
      /** Changes the pixels, which stay in [0, 1]. */
      apply: (picture: Picture, random: Random) => void
    }
)

export interface Operation {
  name: string
  /** One line for people. */
  summary: string
  kind: Bound['kind']
  /** Leaves `size` pixels of an image that was loaded larger; at most one of these in a recipe, and never left out. */
  crops: boolean
  /** What a recipe may say beside the name. */
  settings: z.ZodObject
  /** Throws a `ZodError` for settings that `settings` does not take. */
  bind: (settings: unknown) => Bound
}

const probability = (p: number) => z.number().min(0).max(1).default(p)

/** Two numbers, the lower first. */
export function interval(limits: { min: number; max: number }, value: readonly [number, number]) {
  const bound = z.number().min(limits.min).max(limits.max)
  return z
    .tuple([bound, bound])
    .refine(([low, high]) => low <= high, 'expected the lower number first')
    .default([...value])
}

/** Moves pixels without changing them. */
export function geometric<Shape extends z.ZodRawShape>(description: {
  name: string
  summary: string
  settings: Shape
  /** How often, where a recipe does not say; null for an operation that is always done. */
  p: number | null
  crops?: boolean
  fill: (settings: z.output<z.ZodObject<Shape>>) => Fill | null
  draw: (settings: z.output<z.ZodObject<Shape>>, random: Random, frame: Frame) => Transform
}): Operation {
  const { name, summary, p, crops = false, fill, draw } = description
  const own = z.strictObject(description.settings)
  const settings = p === null ? own : z.strictObject({ p: probability(p), ...description.settings })
  return {
    name,
    summary,
    kind: 'geometric',
    crops,
    settings,
    bind(given) {
      const [often, chosen] = split(own, settings.parse(given))
      return {
        kind: 'geometric',
        p: often,
        fill: fill(chosen),
        draw: (random, frame) => draw(chosen, random, frame),
      }
    },
  }
}

/** Changes pixels where they are. */
export function intensity<Shape extends z.ZodRawShape>(description: {
  name: string
  summary: string
  settings: Shape
  p: number
  apply: (settings: z.output<z.ZodObject<Shape>>, picture: Picture, random: Random) => void
}): Operation {
  const { name, summary, p, apply } = description
  const own = z.strictObject(description.settings)
  const settings = z.strictObject({ p: probability(p), ...description.settings })
  return {
    name,
    summary,
    kind: 'intensity',
    crops: false,
    settings,
    bind(given) {
      const [often, chosen] = split(own, settings.parse(given))
      return { kind: 'intensity', p: often, apply: (picture, random) => apply(chosen, picture, random) }
    },
  }
}

/** The probability, and the operation's own settings. */
function split<Shape extends z.ZodRawShape>(
  own: z.ZodObject<Shape>,
  parsed: Record<string, unknown>,
): [number, z.output<z.ZodObject<Shape>>] {
  const { p = 1, ...rest } = parsed
  return [p as number, own.parse(rest)]
}
