/** The map after a stage of a backbone, and how the logits change with it. */
import { grad, noGrad, type Tensor } from '@plurad/torch'
import { DataError } from '../errors.js'
import type { Question } from './methods/method.js'

/** Values in double or single precision, as the model computes. */
type Values = Float32Array | Float64Array

export interface FeatureGradients {
  /** Rows and columns of the map; a third dimension before them in volumes. */
  shape: readonly number[]
  channels: number
  /** [channels, positions] */
  activations: Values
  /** d logit / d activations of each label asked about, [channels, positions]. */
  gradients: Values[]
  /** Counted from 1. */
  stage: number
}

/**
 * @throws DataError where there is no such stage, or the logits do not depend on it: a transformer's class token, for
 * example, takes nothing from the last map
 */
export function featureGradients(question: Question): FeatureGradients {
  const { model, stage } = question
  const count = model.backbone.stageChannels.length
  if (stage !== null && (!Number.isInteger(stage) || stage < 1 || stage > count)) {
    throw new DataError(
      `There is no stage ${stage}: ${model.settings.backbone.name} has ${count}, from 1 (the finest map) to ${count}.`,
    )
  }
  const candidates = stage === null ? Array.from({ length: count }, (_, i) => count - i) : [stage]
  for (const candidate of candidates) {
    const found = candidate === count ? fromLastMap(question) : fromStage(question, candidate)
    if (found !== null) return found
  }
  throw new DataError(
    `The logits of ${model.settings.backbone.name} with head ${model.settings.head.name} do not depend on ` +
      `${stage === null ? 'any of its maps' : `the map of stage ${stage}`}. Take ` +
      `${stage === null ? '' : 'another stage, or '}a method that looks at pixels, such as integrated-gradients.`,
  )
}

/** The head alone with gradients: a hundredth of the work of the whole network. */
function fromLastMap({ model, pixels, side, labels }: Question): FeatureGradients | null {
  const features = noGrad(() => model.backbone.forward(pixels))
  const map = features.map.detach().requiresGrad_()
  // A copy goes on, so that nothing in the head can write over what is looked at.
  const seen = map.clone()
  const { metadata = null, known = null } = side
  const stages = [...features.stages.slice(0, -1), seen]
  const { logits } = model.head.forward({ ...features, map: seen, stages, pixels, metadata, known })
  return read(logits, map, labels, features.stages.length)
}

function fromStage({ model, pixels, side, labels }: Question, stage: number): FeatureGradients | null {
  const { metadata = null, known = null } = side
  const features = model.backbone.forward(pixels)
  const { logits } = model.head.forward({ ...features, pixels, metadata, known })
  return read(logits, features.stages[stage - 1], labels, stage)
}

/** Null where a logit does not depend on the map. */
function read(
  logits: Tensor,
  map: Tensor,
  labels: readonly number[],
  stage: number,
): FeatureGradients | null {
  if (!logits.requiresGrad) return null
  const gradients: Values[] = []
  for (const label of labels) {
    const [gradient] = grad(logits.select(0, 0).select(0, label), [map], {
      retainGraph: true,
      allowUnused: true,
    })
    if (gradient === null) return null
    gradients.push(gradient.toTypedArray() as Values)
  }
  // After the gradients: what an activation in place has made of the map is what they belong to.
  const activations = map.detach().toTypedArray() as Values
  return { shape: map.shape.slice(2), channels: map.size(1), activations, gradients, stage }
}
