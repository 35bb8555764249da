/** The trained model as a file: weights, and in the metadata all that prediction needs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadSafetensors, scope, SerializationError } from '@plurad/torch'
import { z } from 'zod'
import { preprocessingShape } from '../data/preprocessing.js'
import { DataError } from '../errors.js'
import { partSchema } from './part.js'
import { Classifier, type ModelSettings } from './classifier.js'

/** The metadata of a model file, under the key `plurad`. */
const modelInfoSchema = z.object({
  /** Of the toolkit that wrote the file. */
  plurad: z.string(),
  /** In the order of the logits. */
  labels: z.array(z.string()).nonempty(),
  backbone: partSchema,
  head: partSchema,
  ...preprocessingShape,
  /** What pixels mean before normalisation: 0 is black, 1 the full scale of the file's bit depth. */
  value_range: z.tuple([z.literal(0), z.literal(1)]),
  mean: z.array(z.number()).nonempty(),
  std: z.array(z.number()).nonempty(),
  /** Probability from which a finding counts as present; null where the validation split had no example. */
  thresholds: z.array(z.number().nullable()),
  /** None yet: probabilities are the sigmoid of the logits. */
  calibration: z.null(),
  /** SHA-256 of the table that the model was trained on. */
  data_fingerprint: z.string(),
  best_epoch: z.int().nullable(),
  licence: z.string().nullable(),
  /** As it was run, for people: not checked, so that newer and older recipes can be read. */
  recipe: z.looseObject({ name: z.string() }),
})

export type ModelInfo = z.infer<typeof modelInfoSchema>

function settingsOf(info: ModelInfo): ModelSettings {
  const { backbone, head, size, channels, images, labels, mean, std } = info
  return { backbone, head, size, inChannels: channels * images, labels, mean, std }
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
    const text = metadata['plurad']
    if (text === undefined) {
      throw new DataError(
        `${file} has weights, but no description of its labels and preprocessing (metadata key 'plurad'), without ` +
          'which its output has no meaning. Use a model.safetensors that plurad train wrote.',
      )
    }
    const parsed = modelInfoSchema.safeParse(parseJson(text))
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      throw new DataError(
        `${file}: its description is damaged (${issue?.path.join('.') || 'not JSON'}: ${issue?.message})`,
      )
    }
    const info = parsed.data
    const model = new Classifier(settingsOf(info))
    model.loadStateDict(tensors)
    model.eval()
    return { model, info }
  })
}

/** Null for what is no JSON: the schema then says that the description is damaged. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function read(file: string): ReturnType<typeof loadSafetensors> {
  try {
    return loadSafetensors(file)
  } catch (error) {
    if (error instanceof SerializationError) throw new DataError(error.message, { cause: error })
    throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
