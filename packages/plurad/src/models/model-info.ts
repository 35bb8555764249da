/**
 * What a model file says of itself, under the metadata key `plurad`: all that prediction needs. Without the engine, so that
 * it can be read anywhere.
 */
import { z } from 'zod'
import { preprocessingShape } from '../data/preprocessing.js'
import { DataError } from '../errors.js'
import { calibrationSchema } from '../metrics/calibration/schema.js'
import { partSchema } from './part.js'

/** The key of a file's metadata. */
export const MODEL_INFO_KEY = 'plurad'

const modelInfoSchema = z
  .object({
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
    /** Shape of the label vectors that the head was made with; null for heads without. */
    vectors: z.object({ dim: z.int(), words: z.int() }).nullable().default(null),
    /** Calibrated probability from which a finding counts as present; null where the validation split had no example. */
    thresholds: z.array(z.number().nullable()),
    /** One entry a label; null where probabilities are the sigmoid of the logits. */
    calibration: calibrationSchema.nullable(),
    /** SHA-256 of the table that the model was trained on. */
    data_fingerprint: z.string(),
    best_epoch: z.int().nullable(),
    /** Of these weights, as the recipe states it. */
    licence: z.string().nullable(),
    /** As it was run, for people: not checked, so that newer and older recipes can be read. */
    recipe: z.looseObject({ name: z.string() }),
  })
  .refine(({ labels, calibration }) => calibration === null || calibration.length === labels.length, {
    path: ['calibration'],
    error: 'expected one entry a label',
  })
  .refine(({ labels, thresholds }) => thresholds.length === labels.length, {
    path: ['thresholds'],
    error: 'expected one a label',
  })
  .refine(({ labels }) => new Set(labels).size === labels.length, {
    path: ['labels'],
    error: 'expected names that differ',
  })

export type ModelInfo = z.infer<typeof modelInfoSchema>

/**
 * Reads a description.
 *
 * @param text the metadata's value; undefined where the file has none
 * @param file for messages
 * @throws DataError where there is none or it is damaged
 */
export function parseModelInfo(text: string | undefined, file: string): ModelInfo {
  if (text === undefined) {
    throw new DataError(
      `${file} has weights, but no description of its labels and preprocessing (metadata key '${MODEL_INFO_KEY}'), without ` +
        'which its output has no meaning. Use a model that plurad train or plurad export wrote.',
    )
  }
  const parsed = modelInfoSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new DataError(
    `${file}: its description is damaged (${issue.path.join('.') || 'not JSON'}: ${issue.message})`,
  )
}

/** Null for what is no JSON: the schema then says that the description is damaged. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
