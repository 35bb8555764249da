/**
 * Explanations of an exported model, without libtorch; runs in Node and in the browser.
 *
 *     const { heatmaps, labels } = await explainExported(model, image, { name: 'a.png', labels: { kind: 'top', count: 3 } })
 */
import type { DecodedImage } from '../../data/image.js'
import { preprocess } from '../../data/preprocess.js'
import { preprocessingOf } from '../../data/preprocessing.js'
import { applyRange } from '../../data/value-range.js'
import { DataError } from '../../errors.js'
import type { OnnxModel } from '../../predict/onnx-model.js'
import type { Explained } from '../explained.js'
import type { LabelChoice } from '../labels.js'
import { chooseLabels } from '../labels.js'
import { exportedMethods } from './registry.js'

export interface ExplainExportedOptions {
  /** What the result calls the image. */
  name: string
  /** Of `exportedMethods`; the first that the model allows when left out. */
  method?: string | undefined
  labels: LabelChoice
}

/** The methods that an exported model may allow, by the outputs that it has. */
export function methodsOf(model: OnnxModel): string[] {
  return Object.entries(exportedMethods)
    .filter(([, { reads }]) => model.explanations.includes(reads))
    .map(([name]) => name)
}

/**
 * @throws DataError where the model allows no such method, or takes several images a sample
 */
export async function explainExported(
  model: OnnxModel,
  image: DecodedImage,
  { name, method, labels: choice }: ExplainExportedOptions,
): Promise<Explained & { method: string }> {
  const { info } = model
  if (info.images > 1)
    throw new DataError(`The model takes ${info.images} images a sample; explanations are for one.`)
  const possible = methodsOf(model).filter((candidate) => method === undefined || candidate === method)
  const reads = possible.map((candidate) => exportedMethods[candidate].reads)
  const preprocessing = preprocessingOf(info)
  const pixels = preprocess(applyRange(image, preprocessing), preprocessing)
  const outputs = await model.run(pixels, 1, reads)
  const probabilities = Float64Array.from(outputs['logits'].data, (logit) => 1 / (1 + Math.exp(-logit)))
  const labels = chooseLabels(choice, info, probabilities)
  for (const candidate of possible) {
    const heatmaps = exportedMethods[candidate].explain(model, outputs, labels)
    if (heatmaps === null) continue
    const { width, height } = image
    return {
      image: name,
      width,
      height,
      probabilities,
      labels,
      heatmaps,
      resolution: 'map',
      stage: null,
      method: candidate,
    }
  }
  throw new DataError(
    `This exported model (head ${info.head.name}) allows ${method === undefined ? 'no method that works' : `no ${method}`} ` +
      'without libtorch: cam needs a linear layer on pooled features, attention a head with attention. Explain the run ' +
      'folder instead: every method works there.',
  )
}
