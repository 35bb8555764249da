/** What a head's classifier reads: the features whose distributions the stage draws from. */
import { fromTypedArray, noGrad, scope, type Tensor } from '@plurad/torch'
import { RecipeError } from '../../../errors.js'
import { rowsOf } from '../../../models/classifier-rows.js'
import type { Classifier, SideInput } from '../../../models/classifier.js'
import type { ClassifierRows } from '../../../models/head.js'
import { averagePool } from '../../../models/layers.js'
import { freezeStages, thaw } from '../../../models/parameter-groups.js'
import type { TrainingJob } from '../../job.js'

export const WHO = 'The stage ldrnet'

/** w_c . f_c + b_c: [N, C, D] or [N, 1, D] -> [N, C]. */
export function classify({ weight, bias }: ClassifierRows, features: Tensor): Tensor {
  const logits = features.mul(weight.flatten(1)).sum(-1)
  return bias === null ? logits : logits.add(bias)
}

/**
 * @param pixels normalised, [N, C, H, W]
 * @returns features [N, C, D], or [N, 1, D] where all labels share them, and the head's own logits [N, C]
 */
export function classFeatures(
  { backbone, head }: Classifier,
  pixels: Tensor,
  { metadata = null, known = null }: SideInput,
): { features: Tensor; logits: Tensor } {
  const given = backbone.forward(pixels)
  const { logits, classFeatures: own } = head.forward({ ...given, pixels, metadata, known })
  return { features: own ?? averagePool(given.map).unsqueeze(1), logits }
}

/**
 * Whether the stage can work on this model, told before hours of training: the logits have to be what the classifier's rows
 * make of the features, and something else has to be left for E-steps.
 *
 * @throws RecipeError
 */
export function checkModel(
  { recipe }: TrainingJob,
  { e_epochs: epochs }: { e_epochs: number },
  model: Classifier,
): void {
  const rows = rowsOf(model, WHO, 'matter')
  if (!readsItsFeatures(model, rows)) {
    throw new RecipeError(
      `${WHO} draws the features that the classifier reads, and the head ${model.settings.head.name} keeps them to itself. ` +
        'Take ldrnet, query2label or c_tran, which have features of each label, or linear, whose pooled features all labels share.',
    )
  }
  thaw(model)
  freezeStages(model, recipe.model.freeze)
  const others = model
    .parameters()
    .filter((parameter) => parameter !== rows.weight && parameter !== rows.bias)
  if (epochs > 0 && !others.some((parameter) => parameter.requiresGrad)) {
    throw new RecipeError(
      `${WHO} trains what stands before the classifier, all of which model.freeze=${recipe.model.freeze} holds still. Set its ` +
        'e_epochs to 0, or freeze less.',
    )
  }
}

function readsItsFeatures(model: Classifier, rows: ClassifierRows): boolean {
  const { inChannels, size } = model.settings
  const shape = model.backbone.dims === 3 ? [1, inChannels, size, size, size] : [1, inChannels, size, size]
  model.eval()
  return noGrad(() =>
    scope(() => {
      const { features, logits } = classFeatures(model, probe(shape, rows.weight.device), {})
      if (features.size(-1) !== rows.weight.flatten(1).size(1)) return false
      const difference = classify(rows, features).sub(logits).abs().max().item()
      return difference <= 1e-2 * (1 + logits.abs().max().item())
    }),
  )
}

/** An image with something everywhere: of a black one every way of pooling gives the same. */
function probe(shape: readonly number[], device: string): Tensor {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i))
  return fromTypedArray(values, shape, { device })
}
