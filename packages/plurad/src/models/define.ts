/** How an entry of the registry is written: its options' types reach its maker. */
import { z } from 'zod'
import type { Backbone, BackboneSettings } from './backbone.js'
import type { Head, HeadContext } from './head.js'

/** One architecture of the registry. */
export interface BackboneEntry {
  /** Who published it, where. */
  paper: string
  /** What a recipe may say of it, beside its name. */
  options: z.ZodObject
  make: (settings: BackboneSettings, options: unknown) => Backbone
  /** Spatial dimensions of its images. */
  dims: 2 | 3
  /** Smallest side of an image, pixels; every side is a multiple of `multiple`. */
  smallest: number
  multiple: number
}

/** One head of the registry. */
export interface HeadEntry {
  paper: string
  options: z.ZodObject
  make: (context: HeadContext, options: unknown) => Head
  /** Whether it makes use of label vectors, with these options: a recipe that names no source then gets the plainest one. */
  usesVectors: (options: unknown) => boolean
}

/** An option of backbones whose blocks add to what they are given. */
export const stochasticDepth = z.strictObject({
  /** Largest probability of dropping a residual branch, that of the last; null for the published one. */
  drop_path: z.number().min(0).lt(1).nullable().default(null),
})

/** An option of backbones that were published with a classifier which drops features. */
export const publishedDropout = z.strictObject({
  /** Dropout of the head `published`; null for the published one. */
  dropout: z.number().min(0).lt(1).nullable().default(null),
})

export const depthAndDropout = z.strictObject({ ...stochasticDepth.shape, ...publishedDropout.shape })

export type StochasticDepth = z.infer<typeof stochasticDepth>
export type PublishedDropout = z.infer<typeof publishedDropout>

export function defineBackbone<Options extends z.ZodObject>(entry: {
  paper: string
  options: Options
  make: (settings: BackboneSettings, options: z.infer<Options>) => Backbone
  dims?: 2 | 3
  smallest?: number
  multiple?: number
}): BackboneEntry {
  const { options, make } = entry
  return {
    dims: 2,
    smallest: 32,
    multiple: 1,
    ...entry,
    make: (settings, raw) => make(settings, options.parse(raw)),
  }
}

export function defineHead<Options extends z.ZodObject>(entry: {
  paper: string
  options: Options
  make: (context: HeadContext, options: z.infer<Options>) => Head
  usesVectors?: (options: z.infer<Options>) => boolean
}): HeadEntry {
  const { options, make, usesVectors = () => false } = entry
  return {
    ...entry,
    usesVectors: (raw) => usesVectors(options.parse(raw)),
    make: (context, raw) => make(context, options.parse(raw)),
  }
}
