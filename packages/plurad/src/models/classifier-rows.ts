/** The rows of a head's classifier, one a label: how long they are, scaled, and made anew. */
import { nn, noGrad, scope, type Parameter, type Tensor } from '@plurad/torch'
import { RecipeError } from '../errors.js'
import type { Classifier } from './classifier.js'
import type { ClassifierRows } from './head.js'

/**
 * @param wanted by whom, for the message
 * @param lengths whether it works on the rows' lengths, which cosine classifiers do without
 * @throws RecipeError where the head has no such rows
 */
export function rowsOf(model: Classifier, wanted: string, lengths: 'matter' | 'any' = 'any'): ClassifierRows {
  const rows = model.head.classifierRows()
  const { name } = model.settings.head
  const advice = 'Take a head that ends in one linear layer, such as linear, query2label or ldrnet.'
  if (rows === null) {
    throw new RecipeError(
      `${wanted} works on a classifier with one row a label, and the head ${name} has none. ${advice}`,
    )
  }
  if (lengths === 'matter' && rows.normalised) {
    throw new RecipeError(
      `${wanted} changes the lengths of the classifier's rows, which have no say in the head ${name}. ${advice}`,
    )
  }
  return rows
}

/** L2 norm of each row, [C]. */
export function rowNorms({ weight }: ClassifierRows): number[] {
  return noGrad(() => scope(() => weight.flatten(1).double().pow(2).sum(1).sqrt().toFlatArray()))
}

/** Rows uniform within 1 / sqrt(D), as linear layers start; biases at zero. */
export function restartRows({ weight, bias }: ClassifierRows): void {
  const bound = 1 / Math.sqrt(weight.numel / weight.size(0))
  nn.init.uniform_(weight, -bound, bound)
  if (bias) nn.init.constant_(bias, 0)
}

/** Multiplies each row, and where asked its bias, by its factor, [C]. */
export function scaleRows(
  { weight, bias }: ClassifierRows,
  factors: Tensor,
  { biases }: { biases: boolean },
): void {
  noGrad(() =>
    scope(() => {
      const own = factors.to({ dtype: weight.dtype, device: weight.device })
      weight.mul_(own.reshape(-1, ...weight.shape.slice(1).map(() => 1)))
      if (bias && biases) bias.mul_(own)
    }),
  )
}

/**
 * Only these parameters learn from now on. All else stays as it is to the last bit: backbone and head run as in evaluation,
 * without dropout, branches and new batch norm statistics.
 */
export function learnOnly(model: Classifier, parameters: readonly (Parameter | null)[]): void {
  for (const parameter of model.parameters()) parameter.requiresGrad_(parameters.includes(parameter))
  model.keepInEvaluation([model.backbone, model.head])
}
