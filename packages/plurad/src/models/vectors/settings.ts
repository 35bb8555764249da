/** What a recipe's `model.label_vectors` may be. Without the engine, so that recipes can be read anywhere. */
import { resolve } from 'node:path'
import { z } from 'zod'

const cooccurrence = z.strictObject({
  source: z.literal('cooccurrence'),
  /** Numbers a vector, at most the number of labels; null for as many as there are labels, up to 300. */
  dim: z.int().min(1).nullable().default(null),
})

const words = z.strictObject({
  source: z.literal(['word2vec', 'glove']),
  /** Text file of vectors, one word a line; .gz too. */
  file: z.string().min(1),
})

const text = z.strictObject({
  source: z.literal(['clip', 'bluebert', 'biobert', 'text_encoder']),
  /** A folder or hf:owner/name that holds an ONNX text encoder and tokenizer.json; null for the usual one of CLIP. */
  model: z.string().min(1).nullable().default(null),
  /** Of the encoder within it; null for the usual places. */
  file: z.string().min(1).nullable().default(null),
})

/** A source alone, or an object with the source and its settings; null for co-occurrence where the head uses vectors. */
export const labelVectorSettings = z.preprocess(
  (given) => (typeof given === 'string' ? { source: given } : given),
  z.discriminatedUnion('source', [cooccurrence, words, text]),
)

export type LabelVectorSettings = z.infer<typeof labelVectorSettings>

/** The same with paths that hold wherever a run is resumed from. */
export function withAbsolutePaths(settings: LabelVectorSettings | null): LabelVectorSettings | null {
  if (settings === null || settings.source === 'cooccurrence') return settings
  if ('model' in settings) {
    const { model } = settings
    return { ...settings, model: model === null || model.startsWith('hf:') ? model : resolve(model) }
  }
  return { ...settings, file: resolve(settings.file) }
}
