/** The noise of a student beside augmentation: dropout and stochastic depth. */
import { nn } from '@plurad/torch'
import { z } from 'zod'
import type { Classifier } from '../../../models/classifier.js'
import { dropPathAt } from '../../../models/layers.js'

export const noiseOptions = {
  /** Probability in every dropout layer of the model; null as it was made. */
  dropout: z.number().min(0).lt(1).nullable().default(null),
  /** Stochastic depth, rising linearly to this probability in the last block; null as it was made. */
  drop_path: z.number().min(0).lt(1).nullable().default(null),
}

/**
 * Sets the noise of a model's own layers, which evaluation does not feel.
 *
 * @returns what is wanted and the model has no layer for, a sentence each, and how to put the noise back as it was
 */
export function setNoise(
  model: Classifier,
  { dropout, drop_path: dropPath }: z.infer<z.ZodObject<typeof noiseOptions>>,
): { notes: string[]; restore: () => void } {
  const modules = Array.from(model.namedModules(), ([, module]) => module)
  const notes: string[] = []
  const noisy = modules.filter(
    (module) => module instanceof nn.Dropout || module instanceof nn.StochasticDepth,
  )
  const before = noisy.map(({ p }) => p)
  const { backbone, head } = model.settings
  const lacks = (what: string): void =>
    void notes.push(`${backbone.name} with the head ${head.name} has no ${what}.`)
  if (dropout !== null) {
    const layers = modules.filter((module) => module instanceof nn.Dropout)
    for (const layer of layers) layer.p = dropout
    if (layers.length === 0) lacks('dropout')
  }
  if (dropPath !== null) {
    const layers = modules.filter((module) => module instanceof nn.StochasticDepth)
    layers.forEach((layer, at) => (layer.p = dropPathAt(dropPath, at, layers.length)))
    if (layers.length === 0) lacks('stochastic depth')
  }
  return { notes, restore: () => noisy.forEach((layer, i) => (layer.p = before[i])) }
}
