/** How an entry of the registry of losses is written. */
import type { Parameter, Tensor } from '@plurad/torch'
import { z } from 'zod'
import { RecipeError } from '../errors.js'
import type { HeadOutput, LabelStatistics } from '../models/head.js'

export interface Loss {
  /**
   * Logits [N, C] and targets [N, C] (in [0, 1], NaN = unknown) -> a scalar tensor.
   *
   * @param output what else the head gave, for losses in a space of embeddings
   */
  (logits: Tensor, targets: Tensor, output?: HeadOutput): Tensor
  /** Of a loss that is the smallest over some variables of its own and the largest over others. */
  variables?: LossVariables
}

/** One value a label, [C] each, by name. They are learned beside the weights, and belong into checkpoints. */
export interface LossVariables {
  minimised: Readonly<Record<string, Parameter>>
  /** Never below zero. */
  maximised: Readonly<Record<string, Parameter>>
}

export interface LossContext {
  labels: readonly string[]
  /** Of the training split. */
  statistics: LabelStatistics
}

/** One loss of the registry. */
export interface LossEntry {
  /** Who published it, where. */
  paper: string
  /** In one line, p = sigmoid(x). */
  formula: string
  /** `hard`: a label is present from 0.5 on, so that mixed and smoothed labels would be rounded. */
  targets: 'soft' | 'hard'
  options: z.ZodObject
  make: (context: LossContext, options: unknown) => Loss
}

/** Every loss may weigh labels. */
export const commonOptions = {
  /** One factor a label, in the order of the labels; null for 1. Losses over sets count a label that many times. */
  label_weights: z.array(z.number().positive()).nonempty().nullable().default(null),
}

export function defineLoss<Options extends z.ZodObject>(entry: {
  paper: string
  formula: string
  targets?: LossEntry['targets']
  options: Options
  make: (context: LossContext, options: z.infer<Options>) => Loss
}): LossEntry {
  const { options, make } = entry
  return {
    targets: 'soft',
    ...entry,
    make: (context, raw) => {
      const parsed = options.parse(raw)
      const weights = (parsed as { label_weights?: readonly number[] | null }).label_weights ?? null
      if (weights !== null && weights.length !== context.labels.length) {
        throw new RecipeError(
          `loss.label_weights has ${weights.length} numbers for ${context.labels.length} labels: ${context.labels.join(', ')}.`,
        )
      }
      return make(context, parsed)
    },
  }
}
