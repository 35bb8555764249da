import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  aten,
  decodeSafetensors,
  liveTensors,
  loadSafetensors,
  ones,
  saveSafetensors,
  Scope,
  scope,
  SerializationError,
  setNumThreads,
  tensor,
  zeros,
  type DType,
  type Tensor,
} from '../src/index.js'

setNumThreads(1)

let folder: string
let surroundings: Scope
let before: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-safetensors-'))
  before = liveTensors()
  surroundings = new Scope()
})
afterEach(() => {
  surroundings[Symbol.dispose]()
  expect(liveTensors()).toBe(before)
  rmSync(folder, { recursive: true })
})

/** A file put together by hand: header length, header, values. */
function fileOf(header: unknown, data: Uint8Array = new Uint8Array(0)): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  return Buffer.concat([length, json, data])
}

function expectSame(actual: ReadonlyMap<string, Tensor>, expected: ReadonlyMap<string, Tensor>): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort())
  for (const [key, value] of expected) {
    const other = actual.get(key)
    expect([other?.dtype, other?.shape]).toEqual([value.dtype, value.shape])
    expect(other?.toBytes()).toEqual(value.toBytes())
  }
}

describe('round trip', () => {
  test('of every dtype, of empty tensors and of single numbers, with metadata', () => {
    const tensors = new Map<string, Tensor>()
    const dtypes: DType[] = [
      'float64',
      'float32',
      'float16',
      'bfloat16',
      'int64',
      'int32',
      'int16',
      'int8',
      'uint8',
      'bool',
    ]
    for (const dtype of dtypes) {
      tensors.set(
        dtype,
        tensor(
          [
            [1, 0, 1.5],
            [2, 100, 3],
          ],
          { dtype },
        ),
      )
      tensors.set(`${dtype}.empty`, zeros([0, 3], { dtype }))
      tensors.set(`${dtype}.single`, tensor(7, { dtype }))
    }
    tensors.set('special', tensor([NaN, Infinity, -Infinity, -0], { dtype: 'float64' }))
    tensors.set(
      'strided',
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]).transpose(0, 1),
    )
    tensors.set('learned', ones([2]).requiresGrad_())
    const metadata = { format: 'pt', 'labels "é" \u{1f52c}': '["a, b"]', '': 'empty key' }
    const file = join(folder, 'all.safetensors')
    saveSafetensors(file, tensors, metadata)
    const read = loadSafetensors(file)
    expect(read.metadata).toEqual(metadata)
    expectSame(read.tensors, tensors)
    expect(read.tensors.get('learned')?.requiresGrad).toBe(false)
    expect(read.tensors.get('strided')?.toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ])
  })

  test('of nothing, and of names that mean something elsewhere', () => {
    const file = join(folder, 'names.safetensors')
    saveSafetensors(file, new Map())
    expect(loadSafetensors(file)).toEqual({ tensors: new Map(), metadata: {} })
    const names = ['__proto__', 'constructor', '10', '9', '', 'a.b/c\\d"', '\u00e9']
    const tensors = new Map(names.map((name, i) => [name, tensor([i, i])]))
    saveSafetensors(file, tensors)
    expectSame(loadSafetensors(file).tensors, tensors)
  })

  test('of random tensors', () => {
    const file = join(folder, 'random.safetensors')
    const entry = fc.record({
      dtype: fc.constantFrom<DType>('float64', 'float32', 'float16', 'bfloat16', 'int64', 'int16', 'uint8'),
      shape: fc.array(fc.nat(3), { maxLength: 4 }),
    })
    const key = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__')
    fc.assert(
      fc.property(
        fc.dictionary(key, entry),
        fc.dictionary(key, fc.string({ unit: 'grapheme' })),
        (entries, metadata) => {
          scope(() => {
            const tensors = new Map<string, Tensor>()
            for (const [name, { dtype, shape }] of Object.entries(entries)) {
              tensors.set(name, aten.randn.default(shape, { dtype: 'float32' }).mul(40).abs().to({ dtype }))
            }
            saveSafetensors(file, tensors, metadata)
            const read = loadSafetensors(file)
            expectSame(read.tensors, tensors)
            expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort())
          })
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('the layout', () => {
  test('is the one of the format, byte by byte', () => {
    const file = join(folder, 'layout.safetensors')
    const tensors = new Map([
      ['a', tensor([1, -2])],
      ['b', tensor([[3], [4]], { dtype: 'int16' })],
      ['c', tensor(1, { dtype: 'bool' })],
      ['d', tensor(1.5, { dtype: 'bfloat16' })],
    ])
    saveSafetensors(file, tensors, { k: 'v' })
    const header =
      '{"__metadata__":{"k":"v"},' +
      '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"b":{"dtype":"I16","shape":[2,1],"data_offsets":[8,12]},' +
      '"c":{"dtype":"BOOL","shape":[],"data_offsets":[12,13]},' +
      '"d":{"dtype":"BF16","shape":[],"data_offsets":[13,15]}}'
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8)
    const values = [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 3, 0, 4, 0, 1, 0xc0, 0x3f]
    expect(readFileSync(file)).toEqual(fileOf(padded, Uint8Array.from(values)))
  })

  test('is read whatever the order and the padding', () => {
    const header = {
      second: { dtype: 'U8', shape: [2], data_offsets: [4, 6] },
      first: { data_offsets: [0, 4], shape: [1], dtype: 'I32' },
    }
    const { tensors } = decodeSafetensors(
      fileOf(`${JSON.stringify(header)}   `, Uint8Array.of(1, 1, 0, 0, 8, 9)),
    )
    expect(tensors.get('first')?.item()).toBe(257)
    expect(tensors.get('second')?.toFlatArray()).toEqual([8, 9])
  })
})

describe('a file is written whole or not at all', () => {
  test('where the folder is missing', () => {
    const file = join(folder, 'missing', 'x.safetensors')
    expect(() => saveSafetensors(file, new Map([['a', zeros([1])]]))).toThrow(/ENOENT/)
    expect(existsSync(join(folder, 'missing'))).toBe(false)
  })

  test('where a tensor cannot be written: the old file stays, and nothing beside it', () => {
    const file = join(folder, 'x.safetensors')
    saveSafetensors(file, new Map([['a', tensor([1])]]))
    const old = readFileSync(file)
    const complex = aten.complex.default(zeros([1]), zeros([1]))
    const freed = zeros([1])
    freed.dispose()
    expect(() => saveSafetensors(file, new Map([['z', complex]]))).toThrow(
      "'z': safetensors cannot hold complex64",
    )
    expect(() => saveSafetensors(file, new Map([['z', freed]]))).toThrow('already freed')
    expect(() => saveSafetensors(file, new Map([['__metadata__', zeros([1])]]))).toThrow(SerializationError)
    expect(readFileSync(file)).toEqual(old)
    expect(readdirSync(folder)).toEqual(['x.safetensors'])
  })

  test('over an old one', () => {
    const file = join(folder, 'x.safetensors')
    saveSafetensors(file, new Map([['a', zeros([1000])]]))
    saveSafetensors(file, new Map([['b', tensor([5])]]))
    const { tensors } = loadSafetensors(file)
    expect([...tensors].map(([key, value]) => [key, value.item()])).toEqual([['b', 5]])
    expect(readdirSync(folder)).toEqual(['x.safetensors'])
  })
})

describe('a damaged file', () => {
  const entry = (over: object): object => ({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...over } })
  const eight = new Uint8Array(8)
  const huge = Buffer.from(fileOf(entry({}), eight))
  huge.writeBigUInt64LE(2n ** 64n - 1n)

  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'it has 0 bytes'],
    ['seven bytes', Buffer.alloc(7), 'it has 7 bytes'],
    ['a huge header', huge, 'its header claims'],
    ['a header beyond the end', fileOf(entry({}), eight).subarray(0, 40), 'its header claims'],
    ['no JSON', fileOf('{"a":', eight), 'its header is not JSON'],
    ['an empty header', fileOf(''), 'its header is not JSON'],
    ['null', fileOf('null'), 'its header is not a JSON object'],
    ['a number', fileOf('5'), 'its header is not a JSON object'],
    ['a list', fileOf('[]'), 'its header is not a JSON object'],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }), 'its metadata is not text by name'],
    ['metadata of null', fileOf({ __metadata__: null }), 'its metadata is not text by name'],
    ['an entry of null', fileOf({ a: null }), "'a' has the unknown dtype undefined"],
    ['an entry of text', fileOf({ a: 'F32' }), "'a' has the unknown dtype undefined"],
    ['an unknown dtype', fileOf(entry({ dtype: 'F31' }), eight), `'a' has the unknown dtype "F31"`],
    ['a dtype of another kind', fileOf(entry({ dtype: {} }), eight), "'a' has the unknown dtype {}"],
    ['no shape', fileOf(entry({ shape: undefined }), eight), "'a' has no shape or place"],
    ['a shape of text', fileOf(entry({ shape: ['2'] }), eight), "'a' has no shape or place of whole numbers"],
    ['a negative size', fileOf(entry({ shape: [-2] }), eight), "'a' has no shape or place of whole numbers"],
    ['two negative sizes', fileOf(entry({ shape: [-2, -1] }), eight), 'whole numbers'],
    ['a fraction', fileOf(entry({ shape: [0.5, 4] }), eight), 'whole numbers'],
    ['a nested shape', fileOf(entry({ shape: [[2]] }), eight), 'whole numbers'],
    ['one offset', fileOf(entry({ data_offsets: [0] }), eight), 'whole numbers'],
    ['a negative offset', fileOf(entry({ data_offsets: [-8, 0] }), eight), 'whole numbers'],
    ['offsets the wrong way round', fileOf(entry({ data_offsets: [8, 0] }), eight), 'should fill 8 bytes'],
    ['an end beyond the file', fileOf(entry({ data_offsets: [4, 12] }), eight), 'should fill 8 bytes'],
    ['too small a place', fileOf(entry({ shape: [3] }), eight), "'a' of shape [3] should fill 12 bytes"],
    ['a shape beyond numbers', fileOf(entry({ shape: [2 ** 50, 2 ** 50] }), eight), 'should fill'],
    [
      'sizes that overflow to nothing',
      fileOf(entry({ shape: [2 ** 40, 2 ** 40, 0] }), eight),
      'should fill 0',
    ],
    [
      'an overlap',
      fileOf({ ...entry({}), b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, eight),
      "'b' starts at 4, the tensor before it ends at 8",
    ],
    [
      'a hole',
      fileOf(entry({ data_offsets: [4, 12] }), new Uint8Array(12)),
      "'a' starts at 4, the tensor before it ends at 0",
    ],
    ['values that belong to nobody', fileOf(entry({}), new Uint8Array(9)), 'its tensors end at 8 of 9'],
  ])('%s', (_name, bytes, message) => {
    const file = join(folder, 'damaged.safetensors')
    writeFileSync(file, bytes)
    expect(() => loadSafetensors(file)).toThrow(SerializationError)
    expect(() => loadSafetensors(file)).toThrow(`${file} is not a whole safetensors file: `)
    expect(() => loadSafetensors(file)).toThrow(message)
  })

  test('that is empty in an impossible shape is read or refused, and nothing else', () => {
    const shape = [2 ** 50, 2 ** 50, 0]
    const bytes = fileOf({ a: { dtype: 'F32', shape, data_offsets: [0, 0] } })
    expectReadOrRefused(bytes)
  })

  test('that does not exist is a file error', () => {
    expect(() => loadSafetensors(join(folder, 'none'))).toThrow(/ENOENT/)
  })

  const good = (): Buffer => {
    const file = join(folder, 'good.safetensors')
    const tensors = new Map([
      [
        'conv.weight',
        tensor([
          [
            [1, 2],
            [3, 4],
          ],
        ]),
      ],
      ['bias', tensor([5, 6, 7], { dtype: 'float16' })],
      ['steps', tensor(8, { dtype: 'int64' })],
    ])
    saveSafetensors(file, tensors, { recipe: 'densenet' })
    return readFileSync(file)
  }

  /** Every answer is a SerializationError, or tensors that fill just the bytes that there are. */
  function expectReadOrRefused(bytes: Uint8Array): void {
    scope(() => {
      let tensors: Map<string, Tensor>
      try {
        ;({ tensors } = decodeSafetensors(bytes))
      } catch (error) {
        if (!(error instanceof SerializationError)) throw error
        return
      }
      const header = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
      const read = [...tensors.values()].reduce((sum, one) => sum + one.toBytes().length, 0)
      expect(read).toBe(bytes.length - 8 - header)
    })
  }

  test('cut off anywhere is refused', () => {
    const bytes = good()
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow(SerializationError)
    }
  })

  test('with bytes changed is refused, or read within its bounds', () => {
    const bytes = good()
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 6,
        }),
        (changes) => {
          const changed = Buffer.from(bytes)
          for (const [position, value] of changes) changed[position] = value
          expectReadOrRefused(changed)
        },
      ),
      { numRuns: 500 },
    )
  })

  // String() of such a value throws a TypeError: a dtype is text or it is refused.
  test.each([[{ toString: false }], [{ valueOf: 1, toString: 1 }], [['F32']], [null], [32]])(
    'with the dtype %j is refused',
    (dtype) => {
      const bytes = fileOf({ weight: { dtype, shape: [1], data_offsets: [0, 4] } }, new Uint8Array(4))
      expect(() => decodeSafetensors(bytes)).toThrow(SerializationError)
      expect(() => decodeSafetensors(bytes)).toThrow(/'weight' has the unknown dtype/)
    },
  )

  test('with any header at all is refused, or read within its bounds', () => {
    const size = fc.oneof(fc.nat(4), fc.integer(), fc.double(), fc.string(), fc.constant(null))
    const one = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom('F32', 'BF16', 'BOOL', 'I64', 'U8'), fc.jsonValue()),
        shape: fc.oneof(fc.array(fc.nat(3), { maxLength: 3 }), fc.array(size), fc.jsonValue()),
        data_offsets: fc.oneof(fc.tuple(fc.nat(20), fc.nat(40)), fc.array(size), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    const header = fc.oneof(fc.dictionary(fc.string(), one), fc.jsonValue())
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 40 }), (value, data) => {
        expectReadOrRefused(fileOf(value, data))
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expectReadOrRefused(bytes)
      }),
      { numRuns: 200 },
    )
  })
})
