import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileServer } from '../../../test/file-server.js'
import { embeddingModel } from '../../../test/onnx-of.js'
import { DataError, PluradError } from '../../errors.js'
import type { LabelStatistics } from '../head.js'
import { makeLabelVectors } from './label-vectors.js'
import { labelVectorSettings } from './settings.js'
import { openTextEncoder, vectorsFromEncoder, type TextEncoder } from './text-encoder.js'
import { openTokenizer } from './tokenize.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-text-encoder-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const words = [
  '[UNK]',
  '[CLS]',
  '[SEP]',
  'the',
  'categories',
  'of',
  'image',
  'are',
  'mass',
  'pleural',
  'thickening',
  ',',
]
const vocab = Object.fromEntries(words.map((word, i) => [word, i]))
const special = (content: string): object => ({
  id: vocab[content],
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})
const tokenizer = {
  version: '1.0',
  added_tokens: ['[UNK]', '[CLS]', '[SEP]'].map(special),
  normalizer: { type: 'Lowercase' },
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [2], tokens: ['[SEP]'] },
    },
  },
  decoder: null,
  model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
}

const tables = words.map((_, i) => [i, i * i, 1])
const statistics: LabelStatistics = { images: 0, known: [], positives: [], together: [] }

/** The files of an encoder of these twelve words, as they lie in a folder or on a hub. */
function files(change: { tokenizer?: object; config?: object } = {}): Record<string, Buffer> {
  return {
    'model.onnx': embeddingModel(tables),
    'tokenizer.json': Buffer.from(JSON.stringify({ ...tokenizer, ...change.tokenizer })),
    'tokenizer_config.json': Buffer.from(JSON.stringify({ unk_token: '[UNK]', ...change.config })),
  }
}

function write(change: Parameters<typeof files>[0] = {}): void {
  for (const [name, content] of Object.entries(files(change))) writeFileSync(join(folder, name), content)
}

const open = (settings: object = {}): Promise<TextEncoder> =>
  openTextEncoder({ source: 'biobert', model: folder, file: null, ...settings })

describe('a text encoder', () => {
  test('in a folder, by ONNX Runtime: labels are means of their words, the prompt is its words', async () => {
    write()
    const settings = labelVectorSettings.parse({ source: 'biobert', model: folder })
    const { vectors } = await makeLabelVectors(settings, ['Pleural_Thickening', 'Mass'], statistics)
    expect(vectors.source).toBe('biobert')
    expect(vectors.labels).toEqual([
      [9.5, 90.5, 1],
      [8, 64, 1],
    ])
    // the categories of the image are pleural thickening , mass
    expect(vectors.prompt.map(([id]) => id)).toEqual([3, 4, 5, 3, 6, 7, 9, 10, 11, 8])
  })

  test('that is not there is named, with what to do', async () => {
    await expect(open({})).rejects.toThrow(/has no onnx\/text_model\.onnx/)
    await expect(open({ model: null })).rejects.toThrow(/biobert needs model.*optimum-cli export onnx/)
    await expect(open({ model: join(folder, 'none') })).rejects.toThrow(/is no folder/)
    write()
    writeFileSync(join(folder, 'model.onnx'), 'no model')
    await expect(open({})).rejects.toThrow(/is no ONNX model/)
  })

  test('on a hub that cannot be reached: the address is named', async () => {
    const env = { XDG_CACHE_HOME: folder, HF_ENDPOINT: 'http://127.0.0.1:9' }
    const opened = openTextEncoder({ source: 'clip', model: null, file: null }, { env, retries: 0 })
    await expect(opened).rejects.toThrow(PluradError)
    await expect(opened).rejects.toThrow(
      /127\.0\.0\.1:9\/Xenova\/clip-vit-base-patch32\/resolve\/main\/onnx\/text_model\.onnx/,
    )
  })

  test('with a vector of the whole text: that is the label, where words are as wide', async () => {
    const encoder = (width: number): TextEncoder => ({
      encode: (text) =>
        Promise.resolve({
          tokens: text.split(' ').map((word) => [word.length, 0]),
          text: Array<number>(width).fill(7),
        }),
    })
    expect((await vectorsFromEncoder(encoder(2), 'clip', ['Mass'])).labels).toEqual([[7, 7]])
    expect((await vectorsFromEncoder(encoder(3), 'clip', ['A mass'])).labels).toEqual([[2.5, 0]])
  })
})

describe('a text encoder on a hub', () => {
  let server: FileServer
  let options: Parameters<typeof openTextEncoder>[1]
  beforeEach(async () => {
    server = await FileServer.start()
    options = { env: { XDG_CACHE_HOME: folder, HF_ENDPOINT: server.base }, retries: 0 }
  })
  afterEach(() => server.stop())

  const asked = (): string[] => server.requests.map(({ url }) => url)
  /** Serves an encoder's files from this address on, the model under another name. */
  function offer(root: string, model: string): void {
    const { 'model.onnx': encoder, ...rest } = files()
    const served: Record<string, Buffer> = { [model]: encoder, ...rest }
    server.answer = (request, response) => {
      const content = served[(request.url ?? '').slice(root.length)]
      if (!request.url?.startsWith(root) || content === undefined) response.writeHead(404).end()
      else response.end(content)
    }
  }
  const encode = async (model: string): Promise<number[][]> => {
    const encoder = await openTextEncoder({ source: 'text_encoder', model, file: null }, options)
    return (await encoder.encode('mass')).tokens
  }

  test('is fetched once and opened without a connection then, wherever its model lies', async () => {
    offer('/owner/name/resolve/main/', 'onnx/model.onnx')
    expect(await encode('hf:owner/name')).toEqual([[8, 64, 1]])
    const fetched = [
      '/owner/name/resolve/main/onnx/text_model.onnx',
      '/owner/name/resolve/main/onnx/model.onnx',
      '/owner/name/resolve/main/tokenizer.json',
      '/owner/name/resolve/main/tokenizer_config.json',
    ]
    expect(asked()).toEqual(fetched)
    expect(await encode('hf:owner/name')).toEqual([[8, 64, 1]])
    expect(asked()).toEqual(fetched)
    await server.stop()
    expect(await encode('hf:owner/name')).toEqual([[8, 64, 1]])
    server = await FileServer.start()
  })

  test('of a revision, of a folder within it, and of both', async () => {
    offer('/owner/name/resolve/v1/', 'onnx/text_model.onnx')
    expect(await encode('hf:owner/name@v1')).toEqual([[8, 64, 1]])
    expect(asked()[0]).toBe('/owner/name/resolve/v1/onnx/text_model.onnx')
    offer('/owner/name/resolve/refs%2Fpr%2F1/sub/', 'model.onnx')
    expect(await encode('hf:owner/name/sub@refs/pr/1')).toEqual([[8, 64, 1]])
  })

  test('that is none, or written otherwise, is refused', async () => {
    const encoder = encode('hf:owner/none')
    await expect(encoder).rejects.toThrow(DataError)
    await expect(encoder).rejects.toThrow(
      /hf:owner\/none has no onnx\/text_model\.onnx and no onnx\/model\.onnx/,
    )
    await expect(encode('hf:owner')).rejects.toThrow(/expected hf:owner\/name/)
    await expect(encode(`hf:owner/name#sha256=${'0'.repeat(64)}`)).rejects.toThrow(
      /this names several.*@<commit>/,
    )
    const outside = openTextEncoder({ source: 'clip', model: 'hf:owner/name', file: '../x.onnx' }, options)
    await expect(outside).rejects.toThrow(/lies outside of hf:owner\/name/)
  })
})

describe("a text that is longer than the encoder's", () => {
  const text = 'The categories of the image are pleural thickening , mass'
  const truncation = (max_length: number, direction = 'Right', strategy = 'LongestFirst'): object => ({
    tokenizer: { truncation: { direction, max_length, strategy, stride: 0 } },
  })
  const encoded = async (change: object, onNote?: (note: string) => void): Promise<number[]> => {
    write(change)
    const files = [join(folder, 'tokenizer.json'), join(folder, 'tokenizer_config.json')] as const
    return (await openTokenizer(...files, onNote))(text).ids
  }

  // What tokenizers 0.23.2 gives in Python.
  test.each<[number, string, number[]]>([
    [3, 'Right', [1, 3, 2]],
    [4, 'Right', [1, 3, 4, 2]],
    [7, 'Right', [1, 3, 4, 5, 3, 6, 2]],
    [12, 'Right', [1, 3, 4, 5, 3, 6, 7, 9, 10, 11, 8, 2]],
    [3, 'Left', [1, 8, 2]],
    [4, 'Left', [1, 11, 8, 2]],
    [7, 'Left', [1, 7, 9, 10, 11, 8, 2]],
  ])('is cut to %d tokens as tokenizer.json says, direction %s', async (length, direction, ids) => {
    expect(await encoded(truncation(length, direction))).toEqual(ids)
    expect(await encoded(truncation(length, direction, 'OnlyFirst'))).toEqual(ids)
  })

  test('is cut to the length in tokenizer_config.json, as transformers does, where that is shorter', async () => {
    expect(await encoded({ config: { model_max_length: 4 } })).toEqual([1, 3, 4, 2])
    expect(await encoded({ config: { model_max_length: 4, truncation_side: 'left' } })).toEqual([1, 11, 8, 2])
    expect(await encoded({ ...truncation(7), config: { model_max_length: 4 } })).toEqual([1, 3, 4, 2])
    expect(await encoded({ ...truncation(4), config: { model_max_length: 512 } })).toEqual([1, 3, 4, 2])
    // What transformers writes for a model without a limit.
    expect(await encoded({ config: { model_max_length: 1e30 } })).toHaveLength(12)
  })

  test('gives the vectors of the words that are left, and the user is told', async () => {
    write(truncation(4))
    const notes: string[] = []
    const settings = labelVectorSettings.parse({ source: 'biobert', model: folder })
    const options = { onNote: (note: string) => void notes.push(note) }
    const { vectors } = await makeLabelVectors(
      settings,
      ['Mass_of_pleural_thickening', 'Mass'],
      statistics,
      options,
    )
    expect(vectors.labels).toEqual([
      [6.5, (64 + 25) / 2, 1],
      [8, 64, 1],
    ])
    expect(vectors.prompt.map(([id]) => id)).toEqual([3, 4])
    expect(notes).toEqual([
      "'mass of pleural thickening' is 6 tokens and the text encoder reads 4: its end is left out.",
      "'The Categories of the image are mass of pleural thickening, …' is 14 tokens and the text encoder reads 4: its end is " +
        'left out.',
    ])
  })

  test('is refused where nothing of it could be left, or a limit is none', async () => {
    const file = join(folder, 'tokenizer.json')
    await expect(encoded(truncation(2))).rejects.toThrow(`${file} allows 2 tokens, and 2 are the marks`)
    await expect(encoded(truncation(4, 'Right', 'OnlySecond'))).rejects.toThrow(/strategy is OnlySecond/)
    await expect(encoded({ tokenizer: { truncation: { max_length: 'x' } } })).rejects.toThrow(
      `${file}: truncation.max_length is "x", expected a number of tokens`,
    )
  })
})

describe("a library's mistake", () => {
  /** The message of a DataError. */
  const refusal = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(DataError)
    return (error as DataError).message
  }

  test.each<[string, object, RegExp]>([
    [
      'without a model',
      { tokenizer: { model: undefined } },
      /is no tokenizer: .*"model".*optimum-cli export onnx/,
    ],
    ['of an unknown kind', { tokenizer: { model: { type: 'X' } } }, /is no tokenizer: .*X/],
    ['with an unknown part', { tokenizer: { normalizer: { type: 'X' } } }, /is no tokenizer: .*X/],
  ])('of a tokenizer.json %s names the file', async (_name, change, message) => {
    write(change)
    const said = await refusal(open())
    expect(said).toContain(join(folder, 'tokenizer.json'))
    expect(said).toMatch(message)
  })

  test('of a word that the tokenizer has no number for names the file and the text', async () => {
    write({ tokenizer: { added_tokens: [], model: { type: 'WordLevel', vocab: { mass: 3 } } } })
    const encoder = await open()
    const said = await refusal(encoder.encode('hernia'))
    expect(said).toMatch(/tokenizer\.json cannot encode 'hernia': .*no number/)
  })

  test('of ONNX Runtime names the model and the text', async () => {
    write()
    writeFileSync(join(folder, 'model.onnx'), embeddingModel(tables.slice(0, 5)))
    const encoder = await open()
    const said = await refusal(encoder.encode('pleural thickening'))
    expect(said).toMatch(
      /model\.onnx cannot be run on 'pleural thickening', which is 4 tokens: .*model_max_length/s,
    )
    expect(said).toContain(folder)
  })
})
