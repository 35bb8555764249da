/** Texts to the numbers that a language model reads, by the tokenizer.json that was published with it. */
import { readFileSync } from 'node:fs'
import { DataError } from '../../errors.js'

export interface Tokens {
  /** What the model reads: the text's own tokens and those that mark its start and end. */
  ids: number[]
  /** Where the text's own begin among them. */
  from: number
  /** How many the text's own are. */
  count: number
}

/** What is used of @huggingface/tokenizers, whose own types do not resolve in ES modules. */
interface Tokenizers {
  Tokenizer: new (
    tokenizer: object,
    config: object,
  ) => { encode: (text: string, options: { add_special_tokens: boolean }) => { ids: number[] } }
}

/**
 * Opens tokenizer.json and the tokenizer_config.json beside it. Texts that are longer than either allows are cut as Hugging
 * Face's tokenizers do, the marks of start and end kept; `onNote` is told of each.
 *
 * @throws DataError where a file is no such thing; later where a text cannot be encoded
 */
export async function openTokenizer(
  file: string,
  configFile: string,
  onNote?: (text: string) => void,
): Promise<(text: string) => Tokens> {
  const content = readJson(file)
  const config = readJson(configFile)
  const { Tokenizer } = (await import('@huggingface/tokenizers')) as unknown as Tokenizers
  const tokenizer = explained(
    () => new Tokenizer(content, config),
    `${file} with ${configFile} is no tokenizer`,
    "Expected are the files that Hugging Face's tokenizers write: take those published with the model, or make them " +
      'with: optimum-cli export onnx --model <name on the hub> <folder>',
  )
  const limit = limitOf(file, content, config)
  const noted = new Set<string>()
  const encode = (text: string, marks: boolean): number[] =>
    explained(
      () => {
        const { ids } = tokenizer.encode(text, { add_special_tokens: marks })
        if (ids.every(Number.isInteger)) return ids
        throw new Error('it has no number for a word of it, and none for unknown words')
      },
      `${file} cannot encode '${text}'`,
      'Is it of the model beside it?',
    )
  return (text) => {
    const ids = encode(text, true)
    const own = encode(text, false)
    const from = startOf(ids, own)
    if (ids.length <= limit.tokens) return { ids, from, count: own.length }
    if (!noted.has(text)) {
      onNote?.(
        `'${text.length > 60 ? `${text.slice(0, 60)}…` : text}' is ${ids.length} tokens and the text encoder reads ` +
          `${limit.tokens}: its ${limit.side === 'left' ? 'beginning' : 'end'} is left out.`,
      )
      noted.add(text)
    }
    return cut(file, { ids, from, count: own.length }, limit)
  }
}

interface Limit {
  /** Those that mark start and end count too. */
  tokens: number
  /** Where a text is cut. */
  side: 'left' | 'right'
  /** For pairs of texts, of which the second would be cut. */
  second: boolean
}

/** `truncation` in tokenizer.json and `model_max_length` in tokenizer_config.json; the model has no positions beyond either. */
function limitOf(
  file: string,
  content: { truncation?: { max_length?: unknown; direction?: unknown; strategy?: unknown } | null },
  config: { model_max_length?: unknown; truncation_side?: unknown },
): Limit {
  const { truncation = null } = content
  const stated = truncation === null ? Infinity : truncation.max_length
  if (typeof stated !== 'number' || !(stated >= 1)) {
    throw new DataError(
      `${file}: truncation.max_length is ${JSON.stringify(stated)}, expected a number of tokens; or truncation: null.`,
    )
  }
  const { model_max_length: most } = config
  const side = truncation === null ? config.truncation_side : truncation.direction
  return {
    tokens: Math.min(stated, typeof most === 'number' ? most : Infinity),
    side: String(side).toLowerCase() === 'left' ? 'left' : 'right',
    second: truncation?.strategy === 'OnlySecond',
  }
}

/** Takes tokens of the text's own away, so that with the marks there are as many as the limit. */
function cut(file: string, { ids, from, count }: Tokens, { tokens, side, second }: Limit): Tokens {
  const marks = ids.length - count
  const left = tokens - marks
  if (second) {
    throw new DataError(
      `${file}: truncation.strategy is OnlySecond, which is for pairs of texts. Expected is LongestFirst or OnlyFirst.`,
    )
  }
  if (left < 1) {
    throw new DataError(
      `${file} allows ${tokens} tokens, and ${marks} are the marks of start and end: no word fits between. Raise ` +
        'truncation.max_length in it, or model_max_length in tokenizer_config.json.',
    )
  }
  const first = side === 'left' ? from + count - left : from
  return {
    ids: [...ids.slice(0, from), ...ids.slice(first, first + left), ...ids.slice(from + count)],
    from,
    count: left,
  }
}

/** How many tokens that mark the start stand before the text's own. */
function startOf(ids: readonly number[], own: readonly number[]): number {
  const at = ids.findIndex((_, i) => own.every((id, j) => ids[i + j] === id))
  return Math.max(0, at)
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

/** What the library says of a mistake names no file. */
function explained<T>(work: () => T, what: string, advice: string): T {
  try {
    return work()
  } catch (error) {
    throw new DataError(`${what}: ${(error as Error).message}. ${advice}`, { cause: error })
  }
}
