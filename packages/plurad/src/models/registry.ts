/** Every backbone and head by its name in a recipe. Adding one is a file and a line here. */
import type { nn } from '@plurad/torch'
import { RecipeError } from '../errors.js'
import { closest } from '../suggest.js'
import type { Backbone } from './backbone.js'
import { densenet121, densenet169, densenet201 } from './backbones/densenet.js'
import { LinearHead } from './heads/linear.js'

/** Makes a backbone for images with this many channels. */
export type BackboneFactory = (inChannels: number) => Backbone

/** Makes a head for feature maps with this many channels. */
export type HeadFactory = (featureChannels: number, labels: number) => nn.Module

export const backbones: Readonly<Record<string, BackboneFactory>> = {
  densenet121,
  densenet169,
  densenet201,
}

export const heads: Readonly<Record<string, HeadFactory>> = {
  linear: (featureChannels, labels) => new LinearHead(featureChannels, labels),
}

/** Finds an entry of a registry. Throws `RecipeError` that lists what there is. */
export function lookUp<T>(registry: Readonly<Record<string, T>>, kind: string, name: string): T {
  const entry = Object.hasOwn(registry, name) ? registry[name] : undefined
  if (entry === undefined) {
    const names = Object.keys(registry)
    const guess = closest(name, names)
    throw new RecipeError(
      `There is no ${kind} '${name}'${guess === null ? '' : `, did you mean '${guess}'?`} Known: ${names.join(', ')}.`,
    )
  }
  return entry
}
