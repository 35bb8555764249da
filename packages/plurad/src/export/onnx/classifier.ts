/** A trained classifier -> an ONNX model. */
import { TraceError } from '@plurad/torch'
import { ExportError } from '../../errors.js'
import type { Classifier } from '../../models/classifier.js'
import { MODEL_INFO_KEY, type ModelInfo } from '../../models/model-info.js'
import { version } from '../../version.js'
import { traceClassifier } from '../trace-classifier.js'
import { convertGraph } from './convert.js'
import { encodeModel, type OnnxModel } from './model.js'

/**
 * @param model in evaluation mode
 * @throws ExportError where it is larger than 2 GiB, and as `convertClassifier`
 */
export function encodeClassifier(model: Classifier, info: ModelInfo): Uint8Array<ArrayBuffer> {
  return encodeModel(convertClassifier(model, info))
}

/**
 * @param model in evaluation mode
 * @throws ExportError where a part of it has no counterpart
 */
export function convertClassifier(model: Classifier, info: ModelInfo): OnnxModel {
  const { backbone, head } = model.settings
  try {
    return convertGraph(traceClassifier(model), {
      producer: 'plurad',
      producerVersion: version,
      name: `${backbone.name}-${head.name}`,
      metadata: { [MODEL_INFO_KEY]: JSON.stringify(info) },
    })
  } catch (error) {
    if (!(error instanceof TraceError)) throw error
    throw new ExportError(`${backbone.name} with head ${head.name} cannot be exported: ${error.message}.`, {
      cause: error,
    })
  }
}
