/**
 * Vectors of texts from a language model (CLIP, BlueBERT, BioBERT …) in ONNX, run once by ONNX Runtime. Its packages are only
 * loaded where a recipe asks for them.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '../../errors.js'
import type { LabelVectors } from '../head.js'
import { locateWeights, type LocateOptions } from '../weights/locate.js'
import { promptOf, wordsOf } from './prompt.js'

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
  const encoderFile = await firstOf(file === null ? ENCODER_FILES : [file], find, place)
  const tokenizer = readJson(await firstOf(['tokenizer.json'], find, place))
  const config = readJson(await firstOf(['tokenizer_config.json'], find, place))
  return makeEncoder(encoderFile, tokenizer, config)
}

type Find = (name: string) => Promise<string | null>

function finder(place: string, options: LocateOptions): Find {
  if (place.startsWith('hf:')) {
    return async (name) => {
      try {
        return (await locateWeights(`${place}/${name}`, options)).file
      } catch (error) {
        // Only what the hub does not have: without a connection there is no use in asking on.
        if (error instanceof DataError) return null
        throw error
      }
    }
  }
  if (!existsSync(place) || !statSync(place).isDirectory())
    throw new DataError(`The text encoder ${place} is no folder. Use a folder, or hf:owner/name.`)
  return (name) => Promise.resolve(existsSync(join(place, name)) ? join(place, name) : null)
}

async function firstOf(names: readonly string[], find: Find, place: string): Promise<string> {
  for (const name of names) {
    const found = await find(name)
    if (found !== null) return found
  }
  throw new DataError(`${place} has no ${names.join(' and no ')}, which a text encoder needs.`)
}

function readJson(file: string): object {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof content === 'object' && content !== null) return content
    throw new Error('it is no JSON object')
  } catch (error) {
    throw new DataError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** What is used of @huggingface/tokenizers, whose own types do not resolve in ES modules. */
interface Tokenizers {
  Tokenizer: new (
    tokenizer: object,
    config: object,
  ) => { encode: (text: string, options?: { add_special_tokens: boolean }) => { ids: number[] } }
}

async function makeEncoder(file: string, tokenizerJson: object, config: object): Promise<TextEncoder> {
  const { Tokenizer } = (await import('@huggingface/tokenizers')) as unknown as Tokenizers
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const tokenizer = new Tokenizer(tokenizerJson, config)
  const session = await InferenceSession.create(file).catch((error: unknown) => {
    throw new DataError(`${file} is no ONNX model: ${(error as Error).message}`, { cause: error })
  })
  return {
    async encode(text) {
      const { ids } = tokenizer.encode(text)
      const inner = tokenizer.encode(text, { add_special_tokens: false }).ids
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
      const results = await session.run(feeds)
      const hidden = results['last_hidden_state']
      const whole = results['text_embeds']
      const rows = hidden === undefined ? [] : rowsOf(hidden.data as Float32Array, hidden.dims)
      const from = startOf(ids, inner)
      const tokens = rows.slice(from, from + inner.length)
      const embedding = whole === undefined ? null : Array.from(whole.data as Float32Array)
      if (tokens.length === 0 && embedding === null)
        throw new DataError(`${file} gives neither last_hidden_state nor text_embeds: it is no text encoder.`)
      return { tokens: tokens.length === 0 && embedding !== null ? [embedding] : tokens, text: embedding }
    },
  }
}

function unknownInput(file: string, name: string): never {
  throw new DataError(`${file} wants the input ${name}, which a text encoder does not have.`)
}

/** [1, L, D] -> L vectors. */
function rowsOf(data: Float32Array, dims: readonly number[]): number[][] {
  const width = dims[dims.length - 1] ?? 0
  return Array.from({ length: width === 0 ? 0 : data.length / width }, (_, i) =>
    Array.from(data.subarray(i * width, (i + 1) * width)),
  )
}

/** How many tokens that mark the start stand before the text's own. */
function startOf(ids: readonly number[], inner: readonly number[]): number {
  const at = ids.findIndex((_, i) => inner.every((id, j) => ids[i + j] === id))
  return Math.max(0, at)
}

function mean(vectors: readonly (readonly number[])[]): number[] {
  return vectors[0].map((_, i) => vectors.reduce((sum, vector) => sum + vector[i], 0) / vectors.length)
}
