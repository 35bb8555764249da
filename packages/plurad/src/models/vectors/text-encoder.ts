/**
 * Vectors of texts from a language model (CLIP, BlueBERT, BioBERT …) in ONNX, run once by ONNX Runtime. Its packages are only
 * loaded where a recipe asks for them.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '../../errors.js'
import type { LabelVectors } from '../head.js'
import { locateOnHub, type LocateOptions } from '../weights/locate.js'
import { promptOf, wordsOf } from './prompt.js'
import { openTokenizer, type Tokens } from './tokenize.js'

/** Turns a text into numbers. */
export interface TextEncoder {
  encode: (text: string) => Promise<{
    /** One vector a token, those that only mark start and end left out. */
    tokens: number[][]
    /** The vector of the whole text, where the model has one. */
    text: number[] | null
  }>
}

/** A label's vector is the text's, or the mean of its tokens'; the prompt's words are its tokens. */
export async function vectorsFromEncoder(
  encoder: TextEncoder,
  source: string,
  labels: readonly string[],
): Promise<LabelVectors> {
  const vectors: number[][] = []
  let wide = false
  for (const label of labels) {
    const { tokens, text } = await encoder.encode(wordsOf(label).join(' '))
    if (tokens.length === 0) throw new DataError(`The text encoder finds no word in the label '${label}'.`)
    wide ||= text !== null && text.length !== tokens[0].length
    vectors.push(text ?? mean(tokens))
  }
  const prompt = (await encoder.encode(promptOf(labels))).tokens
  // Where text and words live in spaces of different width, the labels are means of words too.
  if (wide) {
    for (const [i, label] of labels.entries())
      vectors[i] = mean((await encoder.encode(wordsOf(label).join(' '))).tokens)
  }
  return { source, labels: vectors, prompt }
}

/** CLIP's text tower in ONNX. */
const CLIP = 'hf:Xenova/clip-vit-base-patch32'
const ENCODER_FILES = ['onnx/text_model.onnx', 'onnx/model.onnx', 'text_model.onnx', 'model.onnx']

export interface EncoderSettings {
  source: string
  model: string | null
  file: string | null
}

/**
 * Opens an encoder from a folder or a hub.
 *
 * @throws DataError where there is none, or it is no text encoder; PluradError where it cannot be downloaded
 */
export async function openTextEncoder(
  { source, model, file }: EncoderSettings,
  options: LocateOptions = {},
): Promise<TextEncoder> {
  const place = model ?? (source === 'clip' ? CLIP : null)
  if (place === null) {
    throw new DataError(
      `model.label_vectors: ${source} needs model: a folder or hf:owner/name with an ONNX text encoder and tokenizer.json. ` +
        `Make one with: optimum-cli export onnx --model <name on the hub> <folder>`,
    )
  }
  const find = finder(place, options)
  const encoderFile = await oneOf(file === null ? ENCODER_FILES : [file], find, place)
  const tokenizer = await oneOf(['tokenizer.json'], find, place)
  const config = await oneOf(['tokenizer_config.json'], find, place)
  return makeEncoder(encoderFile, await openTokenizer(tokenizer, config, options.onNote))
}

/** The first of these files that there is. */
type Find = (names: readonly string[]) => Promise<string | null>

function finder(place: string, options: LocateOptions): Find {
  if (place.startsWith('hf:')) return (names) => locateOnHub(place, names, options)
  if (!existsSync(place) || !statSync(place).isDirectory())
    throw new DataError(`The text encoder ${place} is no folder. Use a folder, or hf:owner/name.`)
  return async (names) => names.map((name) => join(place, name)).find((file) => existsSync(file)) ?? null
}

async function oneOf(names: readonly string[], find: Find, place: string): Promise<string> {
  const found = await find(names)
  if (found !== null) return found
  throw new DataError(
    `${place} has no ${names.join(' and no ')}, which a text encoder needs. An encoder of another name is stated with ` +
      'model.label_vectors.file; all of them are made by: optimum-cli export onnx --model <name on the hub> <folder>',
  )
}

async function makeEncoder(file: string, tokenize: (text: string) => Tokens): Promise<TextEncoder> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  // Its errors are thrown; it need not print them too.
  const session = await InferenceSession.create(file, { logSeverityLevel: 4 }).catch((error: unknown) => {
    throw new DataError(`${file} is no ONNX model: ${(error as Error).message}`, { cause: error })
  })
  return {
    async encode(text) {
      const { ids, from, count } = tokenize(text)
      const integers = (values: readonly number[]): InstanceType<typeof Tensor> =>
        new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
      const inputs: Record<string, InstanceType<typeof Tensor>> = {
        input_ids: integers(ids),
        attention_mask: integers(ids.map(() => 1)),
        token_type_ids: integers(ids.map(() => 0)),
      }
      const feeds = Object.fromEntries(
        session.inputNames.map((name) => [name, inputs[name] ?? unknownInput(file, name)]),
      )
      const results = await session.run(feeds).catch((error: unknown) => {
        throw new DataError(
          `${file} cannot be run on '${text}', which is ${ids.length} tokens: ${(error as Error).message}. Is the ` +
            'tokenizer.json of this model, and is model_max_length in tokenizer_config.json the longest text that it takes?',
          { cause: error },
        )
      })
      const hidden = results['last_hidden_state']
      const whole = results['text_embeds']
      const rows = hidden === undefined ? [] : rowsOf(hidden.data as Float32Array, hidden.dims)
      const tokens = rows.slice(from, from + count)
      const embedding = whole === undefined ? null : Array.from(whole.data as Float32Array)
      if (hidden === undefined && embedding === null)
        throw new DataError(`${file} gives neither last_hidden_state nor text_embeds: it is no text encoder.`)
      return { tokens: tokens.length === 0 && embedding !== null ? [embedding] : tokens, text: embedding }
    },
  }
}

function unknownInput(file: string, name: string): never {
  throw new DataError(
    `${file} wants the input ${name}, which a text encoder does not have. State another file of it with model.label_vectors.file.`,
  )
}

/** [1, L, D] -> L vectors. */
function rowsOf(data: Float32Array, dims: readonly number[]): number[][] {
  const width = dims[dims.length - 1] ?? 0
  return Array.from({ length: width === 0 ? 0 : data.length / width }, (_, i) =>
    Array.from(data.subarray(i * width, (i + 1) * width)),
  )
}

function mean(vectors: readonly (readonly number[])[]): number[] {
  return vectors[0].map((_, i) => vectors.reduce((sum, vector) => sum + vector[i], 0) / vectors.length)
}
