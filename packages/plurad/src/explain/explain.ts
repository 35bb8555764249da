/** Explanations with libtorch: any method, any backbone and head. */
import { scope, type Tensor } from '@plurad/torch'
import { RecipeError } from '../errors.js'
import type { Classifier, SideInput } from '../models/classifier.js'
import { checkOptions } from '../models/part.js'
import { lookUp } from '../models/registry.js'
import type { MethodEntry, Answer } from './methods/method.js'
import { methods } from './methods/registry.js'

export interface Asked {
  /** Of `methods`. */
  method: string
  /** The method's own. */
  options?: Readonly<Record<string, unknown>>
  /** Stage of the backbone, from 1; null for the last that the logits depend on. */
  stage?: number | null
}

/** Throws `RecipeError` for an unknown method or option. */
export function methodNamed({ method, options = {} }: Asked): MethodEntry {
  const entry = lookUp(methods, 'method', method)
  checkOptions(entry.options, `method ${method}`, { ...options })
  return entry
}

/**
 * Explains the logits of some labels for one image.
 *
 * @param model in evaluation mode
 * @param pixels normalised, [1, C, H, W]; one more dimension in volumes
 * @param labels places among the model's labels
 */
export function explain(
  model: Classifier,
  pixels: Tensor,
  labels: readonly number[],
  asked: Asked,
  side: SideInput = {},
): Answer {
  const entry = methodNamed(asked)
  if (model.training) throw new RangeError('explain: the model is in training mode')
  const { stage = null, options = {} } = asked
  if (stage !== null && entry.resolution === 'pixels')
    throw new RecipeError(`The method ${asked.method} looks at pixels, not at the map of a stage.`)
  return scope(() => entry.explain({ model, pixels, side, labels, stage }, options))
}
