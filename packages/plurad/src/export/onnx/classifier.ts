/** A trained classifier -> the content of a .onnx file. */
import { TraceError } from '@plurad/torch'
import { ExportError } from '../../errors.js'
import type { Classifier } from '../../models/classifier.js'
import { MODEL_INFO_KEY, type ModelInfo } from '../../models/model-info.js'
import { version } from '../../version.js'
import { traceClassifier } from '../trace-classifier.js'
import { convertGraph } from './convert.js'
import { encodeModel } from './model.js'

/**
 * @param model in evaluation mode
 * @throws ExportError where a part of it has no counterpart, or where it is larger than 2 GiB
 */
export function encodeClassifier(model: Classifier, info: ModelInfo): Uint8Array<ArrayBuffer> {
  const { backbone, head } = model.settings
  try {
    return encodeModel(
      convertGraph(traceClassifier(model), {
        producer: 'plurad',
        producerVersion: version,
        name: `${backbone.name}-${head.name}`,
        metadata: { [MODEL_INFO_KEY]: JSON.stringify(info) },
      }),
    )
  } catch (error) {
    if (!(error instanceof TraceError)) throw error
    throw new ExportError(`${backbone.name} with head ${head.name} cannot be exported: ${error.message}.`, {
      cause: error,
    })
  }
}
