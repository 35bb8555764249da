/** The trained model as a file: weights, and in the metadata all that prediction needs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadSafetensors, scope, SerializationError } from '@plurad/torch'
import { DataError } from '../errors.js'
import { Classifier, type ModelSettings } from './classifier.js'
import { MODEL_INFO_KEY, parseModelInfo, type ModelInfo } from './model-info.js'

export type { ModelInfo }

function settingsOf(info: ModelInfo): ModelSettings {
  const { backbone, head, size, channels, images, labels, mean, std, vectors } = info
  return { backbone, head, size, inChannels: channels * images, labels, mean, std, vectors }
}

/** The model file of a run folder, or the file itself. Throws `DataError` where there is none. */
export function findModelFile(location: string): string {
  const candidates = [join(location, 'model.safetensors'), location]
  const found = candidates.find((candidate) => candidate.endsWith('.safetensors') && existsSync(candidate))
  if (found === undefined) {
    throw new DataError(
      `${location} is neither a model file (.safetensors) nor a run folder with model.safetensors in it. ` +
        'A run folder has one once its training has ended; go on with `plurad train --resume --out ' +
        `${location}\`.`,
    )
  }
  return found
}

/** Reads a model file and builds the model, in evaluation mode. Throws `DataError` when it cannot be used. */
export function loadModel(file: string): { model: Classifier; info: ModelInfo } {
  return scope(() => {
    const { tensors, metadata } = read(file)
    const info = parseModelInfo(metadata[MODEL_INFO_KEY], file)
    const model = new Classifier(settingsOf(info))
    model.loadStateDict(tensors)
    model.eval()
    return { model, info }
  })
}

function read(file: string): ReturnType<typeof loadSafetensors> {
  try {
    return loadSafetensors(file)
  } catch (error) {
    if (error instanceof SerializationError) throw new DataError(error.message, { cause: error })
    throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
