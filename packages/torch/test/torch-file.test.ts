import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  decodeTorchFile,
  isSafetensors,
  isTorchFile,
  liveTensors,
  loadTorchFile,
  openSafetensors,
  openTorchFile,
  Scope,
  scope,
  SerializationError,
  setNumThreads,
  type Tensor,
} from '../src/index.js'
import { zipOf } from './zip-of.js'

setNumThreads(1)

const fixtures = fileURLToPath(new URL('fixtures/torch-files/', import.meta.url))

interface Reference {
  dtype: string
  shape: number[]
  values: number[]
}

const reference = JSON.parse(readFileSync(join(fixtures, 'reference.json'), 'utf8')) as Record<
  string,
  Record<string, Reference>
>

let folder: string
let surroundings: Scope
let before: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-torch-file-'))
  before = liveTensors()
  surroundings = new Scope()
})
afterEach(() => {
  surroundings[Symbol.dispose]()
  expect(liveTensors()).toBe(before)
  rmSync(folder, { recursive: true })
})

/** `expected` is rounded as `actual` already is: PyTorch gave the values as float64. */
function expectSame(actual: ReadonlyMap<string, Tensor>, expected: Record<string, Reference>): void {
  expect([...actual.keys()]).toEqual(Object.keys(expected))
  for (const [key, { dtype, shape, values }] of Object.entries(expected)) {
    const tensor = actual.get(key)
    expect([key, tensor?.dtype, tensor?.shape]).toEqual([key, dtype, shape])
    expect([key, tensor?.to({ dtype: 'float64' }).toFlatArray()]).toEqual([key, values])
    expect(tensor?.requiresGrad).toBe(false)
  }
}

describe('what PyTorch wrote', () => {
  test.each(Object.keys(reference))('%s is read as PyTorch reads it, in both layouts', (name) => {
    for (const layout of ['zip', 'legacy'])
      expectSame(loadTorchFile(join(fixtures, `${name}.${layout}.pt`)), reference[name])
  })

  test('lists of texts beside the tensors are known', () => {
    const file = openTorchFile(join(fixtures, 'checkpoint.zip.pt'))
    expect(file.lists.get('classes')).toEqual(['Mass', 'Nodule'])
    expect(file.entries.get('state_dict.conv.weight')).toMatchObject({
      dtype: 'float32',
      shape: [2, 1, 3, 3],
    })
    file.close()
    const whole = openTorchFile(join(fixtures, 'whole.legacy.pt'))
    expect(whole.lists.get('pathologies')).toEqual(['Mass', 'Nodule'])
    whole.close()
  })

  test('TorchScript is refused with what to do', () => {
    expect(() => loadTorchFile(join(fixtures, 'script.pt'))).toThrow(/TorchScript program.*torch\.jit\.load/)
  })

  test('is told by its first bytes', () => {
    for (const name of readdirSync(fixtures).filter((entry) => entry.endsWith('.pt'))) {
      const head = readFileSync(join(fixtures, name)).subarray(0, 16)
      expect([isTorchFile(head), isSafetensors(head)]).toEqual([true, false])
    }
    expect(isTorchFile(Buffer.from('{"a": 1}'))).toBe(false)
  })
})

const text = (value: string): Buffer => Buffer.from(value, 'latin1')
const short = (value: string): Buffer => Buffer.concat([Buffer.of(0x8c, value.length), text(value)])

/** A zip layout with this pickle, and one storage of two floats, 1 and 2. */
function fileWith(pickle: Buffer, storage = Buffer.from(Float32Array.of(1, 2).buffer)): Buffer {
  return zipOf({ 'archive/data.pkl': pickle, 'archive/data/0': storage })
}

/** The reference to that storage, `count` values of it claimed. */
const storage = (count: number, type = 'ctorch\nFloatStorage\n', key = '0'): Buffer =>
  Buffer.concat([text('('), short('storage'), text(type), short(key), short('cpu'), int(count), text('tQ')])
const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(5)
  bytes[0] = 'J'.charCodeAt(0)
  bytes.writeInt32LE(value, 1)
  return bytes
}
const tuple = (...values: number[]): Buffer => Buffer.concat([text('('), ...values.map(int), text('t')])

/** `{'w': tensor}` of that storage. */
function tensorPickle(
  {
    count = 2,
    offset = 0,
    shape = [2],
    strides = [1],
  }: Partial<Record<'shape' | 'strides', number[]>> & {
    count?: number
    offset?: number
  },
  type?: string,
): Buffer {
  return Buffer.concat([
    text('\x80\x02}'),
    short('w'),
    text('ctorch._utils\n_rebuild_tensor_v2\n('),
    storage(count, type),
    int(offset),
    tuple(...shape),
    tuple(...strides),
    text('\x89NtRs.'),
  ])
}

describe('a file that wants to run something', () => {
  const global = (module: string, name: string): Buffer =>
    Buffer.concat([short(module), short(name), text('\x93')])
  const pickles: [string, Buffer, string][] = [
    ['a call by GLOBAL', text('\x80\x02cposix\nsystem\n(U\x02idtR.'), 'posix.system'],
    [
      'a call by STACK_GLOBAL',
      Buffer.concat([global('os', 'system'), short('id'), text('\x85R.')]),
      'os.system',
    ],
    ['exec', text('cbuiltins\nexec\n(U\x01xtR.'), 'builtins.exec'],
    ['eval of Python 2', text('c__builtin__\neval\n(U\x01xtR.'), 'builtins.eval'],
    ['within tuples', text('\x80\x02(((cposix\nsystem\n(U\x02idtRttt.'), 'posix.system'],
    ['as a value of a dictionary', text('}U\x01acsubprocess\nPopen\n(U\x02idtRs.'), 'subprocess.Popen'],
    ['as a key', text('}cposix\nsystem\n(U\x02idtRNs.'), 'posix.system'],
    ['thrown away at once', text('cposix\nsystem\n(U\x02idtR0}.'), 'posix.system'],
    ['INST', text('(U\x02idiposix\nsystem\n.'), 'posix.system'],
    ['OBJ', text('(cposix\nsystem\nU\x02ido.'), 'posix.system'],
    ['NEWOBJ with arguments', text('csubprocess\nPopen\n(U\x02idt\x81.'), 'subprocess.Popen'],
    ['NEWOBJ without', text('cevil\nClass\n)\x81.'), 'evil.Class'],
    ['NEWOBJ_EX', text('csubprocess\nPopen\n(U\x02idt}\x92.'), 'subprocess.Popen'],
    ['BUILD of an unknown class', text('cevil\nClass\n)\x81}U\x01xNsb.'), 'evil.Class'],
    [
      'BUILD through copyreg',
      text('ccopy_reg\n_reconstructor\n(cevil\nClass\nc__builtin__\nobject\nNtR}b.'),
      'evil.Class',
    ],
    ['a dispatcher', text('cfunctools\npartial\n(cposix\nsystem\ntR.'), 'functools.partial'],
    ['getattr', text('cbuiltins\ngetattr\n(NU\x01xtR.'), 'builtins.getattr'],
    [
      'PyTorch that unpickles again',
      text('ctorch.storage\n_load_from_bytes\n(U\x01xtR.'),
      'torch.storage._load_from_bytes',
    ],
    [
      'a tensor made by another function',
      text('ctorch._tensor\n_rebuild_from_type_v2\n(cposix\nsystem\nN(U\x02idtNtR.'),
      'posix.system',
    ],
    [
      'a tensor made by a tensor made by ...',
      text(
        'ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nN(ctorch._tensor\n_rebuild_from_type_v2\nNNtNtR.',
      ),
      'torch._tensor._rebuild_from_type_v2',
    ],
    ['a name of JavaScript', text('cconstructor\n\n)R.'), 'constructor.'],
    ['a name of JavaScript without a module', text('c__proto__\nx\n)R.'), '__proto__.x'],
  ]

  test.each(pickles)('%s is refused by name', (_name, pickle, path) => {
    expect(() => decodeTorchFile(fileWith(pickle), 'bad.pt')).toThrow(SerializationError)
    expect(() => decodeTorchFile(fileWith(pickle), 'bad.pt')).toThrow(
      `bad.pt cannot be read as a PyTorch file: it wants to call ${path},`,
    )
  })

  test.each<[string, string, string]>([
    ['EXT1', '\x82\x01.', 'operation 0x82 is not allowed'],
    ['EXT4', '\x84\x01\0\0\0.', 'operation 0x84 is not allowed'],
    ['a persistent identifier as text', 'Pabc\n.', "operation 'P' is not allowed"],
    ['a persistent identifier that is none', 'U\x03abcQ.', 'refers to something outside'],
    [
      'a storage of a strange type',
      '(U\x07storagecevil\nFloatStorage\nU\x010U\x03cpuK\x02tQ.',
      'values of evil.FloatStorage',
    ],
    [
      'a storage without a key',
      '(U\x07storagectorch\nFloatStorage\nK\x01U\x03cpuK\x02tQ.',
      'no type, key or size',
    ],
    ['a call of a text', 'U\x02id)R.', 'it calls what is no function or class'],
    ['a call without a tuple', 'ccollections\nOrderedDict\nNR.', 'without a tuple'],
    ['a state for a list', ']}b.', 'it gives a state to what can have none'],
    [
      'a parameter that is no tensor',
      'ctorch._utils\n_rebuild_parameter\n(N\x89NtR.',
      'a parameter in it is no tensor',
    ],
    [
      'a parameter that is an inert object',
      'ctorch._utils\n_rebuild_parameter\n(cargparse\nNamespace\n)\x81\x89NtR.',
      'a parameter in it is no tensor',
    ],
    [
      'a tensor of an inert object',
      'ctorch._utils\n_rebuild_tensor_v2\n(cargparse\nNamespace\n)\x81K\0))tR.',
      'has no storage',
    ],
    ['the end', '}', 'it ends too early'],
    ['an empty stack', '.', 'its stack is empty'],
    ['no mark', '}t.', 'a mark is missing'],
    ['a protocol of tomorrow', '\x80\x09}.', 'newer than 5'],
    ['an odd dictionary', '(Nd.', 'a key without a value'],
    ['a huge text', 'X\xff\xff\xff\xff.', 'more than 268435456 bytes of text'],
    ['a text of more than there are numbers', '\x8d\xff\xff\xff\xff\xff\xff\xff\xff.', 'bytes of text'],
    ['a huge integer', '\x8b\0\0\x01\0' + 'x'.repeat(65536) + '.', 'an integer has 65536 bytes'],
  ])('%s is refused', (_name, pickle, message) => {
    expect(() => decodeTorchFile(fileWith(text(pickle)))).toThrow(SerializationError)
    expect(() => decodeTorchFile(fileWith(text(pickle)))).toThrow(message)
  })

  test('what training scripts keep beside the weights is passed over, not run', () => {
    const args = text('cargparse\nNamespace\n)\x81}U\x02lrK\x01sb')
    const unused = text('cposix\nsystem\n')
    const pickle = Buffer.concat([
      text('}'),
      ...[args, unused].flatMap((value, i) => [short(`x${i}`), value, text('s')]),
      tensorPickle({}).subarray(3, -1),
      text('.'),
    ])
    const tensors = decodeTorchFile(fileWith(pickle))
    expect([...tensors].map(([key, value]) => [key, value.toFlatArray()])).toEqual([['w', [1, 2]]])
  })
})

describe('a file that lies', () => {
  test.each<[string, Buffer, string]>([
    [
      'of a larger storage',
      tensorPickle({ count: 3, shape: [3] }),
      'storage 0 in it has 8 bytes, its tensors need 12',
    ],
    ['of a shape beyond', tensorPickle({ shape: [3] }), 'reaches beyond its storage of 2 values'],
    ['of an offset beyond', tensorPickle({ offset: 1 }), 'reaches beyond'],
    ['of strides beyond', tensorPickle({ shape: [2], strides: [2] }), 'reaches beyond'],
    ['of a negative size', tensorPickle({ shape: [-1] }), 'whole numbers'],
    ['of a negative stride', tensorPickle({ strides: [-1] }), 'whole numbers'],
    ['of a negative offset', tensorPickle({ offset: -1 }), 'whole numbers'],
    ['of a negative storage', tensorPickle({ count: -1 }), 'no type, key or size'],
    ['of other strides than sizes', tensorPickle({ shape: [1, 1] }), 'whole numbers'],
    [
      'of 65 dimensions',
      tensorPickle({ shape: Array<number>(65).fill(1), strides: Array<number>(65).fill(1) }),
      'whole numbers',
    ],
    [
      'of a shape beyond numbers',
      tensorPickle({ shape: Array<number>(9).fill(2 ** 30), strides: Array<number>(9).fill(0) }),
      'reaches beyond',
    ],
    [
      'of one value repeated without end',
      tensorPickle({ shape: [2 ** 30, 64], strides: [0, 0] }),
      'many times larger than the file',
    ],
    [
      'of a quantised storage',
      tensorPickle({}, 'ctorch\nQInt8Storage\n'),
      'values of torch.QInt8Storage cannot be read',
    ],
  ])('%s', (_name, pickle, message) => {
    expect(() => decodeTorchFile(fileWith(pickle))).toThrow(SerializationError)
    expect(() => decodeTorchFile(fileWith(pickle))).toThrow(message)
  })

  test('overlapping views and big-endian values are read', () => {
    const repeated = decodeTorchFile(fileWith(tensorPickle({ shape: [3, 2], strides: [0, 1] })))
    expect(repeated.get('w')?.toArray()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    const values = Buffer.alloc(8)
    values.writeFloatBE(1.5, 0)
    values.writeFloatBE(-3, 4)
    const bytes = zipOf({
      'a/data.pkl': tensorPickle({}),
      'a/byteorder': text('big'),
      'a/data/0': values,
    })
    expect(decodeTorchFile(bytes).get('w')?.toFlatArray()).toEqual([1.5, -3])
  })

  test('ZIP64 is read, compression and encryption are refused', () => {
    const files = { 'a/data.pkl': tensorPickle({}), 'a/data/0': Buffer.from(Float32Array.of(7, 8).buffer) }
    expect(
      decodeTorchFile(zipOf(files, { wide: true }))
        .get('w')
        ?.toFlatArray(),
    ).toEqual([7, 8])
    expect(() => decodeTorchFile(zipOf(files, { method: 8 }))).toThrow(/data\.pkl in it is compressed/)
    expect(() => decodeTorchFile(zipOf(files, { flags: 1 }))).toThrow(/is encrypted/)
    expect(() => decodeTorchFile(zipOf({ 'a.txt': text('x') }))).toThrow(/without data\.pkl/)
    expect(() => decodeTorchFile(zipOf({ 'a/data.pkl': tensorPickle({}) }))).toThrow(
      /values of storage 0 are not in it/,
    )
  })

  test('depth and repetition are bounded', () => {
    const deep = text(']'.repeat(200_000) + 'a'.repeat(199_999) + '.')
    expect(() => decodeTorchFile(fileWith(deep))).toThrow(/too deeply or too often/)
    // Thirty lists, each holding the one before it ten times: 10^30 places.
    const list = (i: number): string =>
      i === 0 ? '](Ne' : `0](${`h${String.fromCharCode(i - 1)}`.repeat(10)}e`
    const laughs = Array.from({ length: 30 }, (_, i) => `${list(i)}q${String.fromCharCode(i)}`).join('')
    expect(() => decodeTorchFile(fileWith(text(`${laughs}.`)))).toThrow(/too deeply or too often/)
    const own = text(']q\x00h\x00a.')
    expect(() => decodeTorchFile(fileWith(own))).toThrow(/too deeply or too often/)
    const copies = text(
      ']q\x00(' +
        'K\x01K\x02\x86'.repeat(3000) +
        'e0' +
        'ccollections\nOrderedDict\nq\x010' +
        'h\x01h\x00\x85R0'.repeat(3000) +
        '}.',
    )
    expect(() => decodeTorchFile(fileWith(copies))).toThrow(/copies dictionaries again and again/)
  })
})

/** What the message of a file that is cut off says is missing. */
function firstNotWhole(bytes: Uint8Array): string {
  try {
    decodeTorchFile(bytes)
  } catch (error) {
    const { message } = error as Error
    return (
      /cut off after \d+ bytes, before the last value of (.*)\. Fetch or copy it again$/.exec(message)?.[1] ??
      message
    )
  }
  throw new Error('it was read')
}

/** Every answer is tensors or a SerializationError, within a second. */
function expectReadOrRefused(bytes: Uint8Array): void {
  const started = performance.now()
  scope(() => {
    try {
      decodeTorchFile(bytes)
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
    }
  })
  expect(performance.now() - started).toBeLessThan(1000)
}

describe('a damaged file', () => {
  const names = ['views.zip.pt', 'views.legacy.pt', 'checkpoint.legacy.pt', 'parameter.zip.pt']

  test.each(names)('%s cut off anywhere is refused', (name) => {
    const bytes = readFileSync(join(fixtures, name))
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeTorchFile(bytes.subarray(0, length))).toThrow(SerializationError)
    }
  })

  test('cut off among its values, the first tensor that is not whole is named', () => {
    // Storage 3 stands before storage 7, which the first tensor of the dictionary is in.
    const tensor = (name: string, key: string, count: number, offset = 0, size = count): Buffer =>
      Buffer.concat([
        short(name),
        text('ctorch._utils\n_rebuild_tensor_v2\n('),
        storage(count, 'ctorch\nFloatStorage\n', key),
        int(offset),
        tuple(size),
        tuple(1),
        text('\x89NtRs'),
      ])
    const values = (count: number): Buffer => {
      const bytes = Buffer.alloc(8 + 4 * count)
      bytes.writeBigInt64LE(BigInt(count))
      return bytes
    }
    const pickles = Buffer.concat([
      text('\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.'),
      text('\x80\x02M\xe9\x03.'),
      text('\x80\x02}.'),
      text('\x80\x02}'),
      tensor('fc.weight', '7', 4),
      tensor('conv.head', '3', 6, 0, 2),
      tensor('conv.none', '3', 6, 6, 0),
      tensor('conv.tail', '3', 6, 2, 4),
      text('.'),
      text('\x80\x02](U\x013U\x017e.'),
    ])
    const whole = Buffer.concat([pickles, values(6), values(4)])
    expect([...decodeTorchFile(whole).keys()]).toEqual(['fc.weight', 'conv.head', 'conv.none', 'conv.tail'])
    const start = pickles.length
    const seen = Array.from({ length: whole.length - start }, (_, i) =>
      firstNotWhole(whole.subarray(0, start + i)),
    )
    const expected = [
      ...Array<string>(8 + 2 * 4).fill('conv.head (and of 2 more)'),
      ...Array<string>(4 * 4).fill('conv.tail (and of 1 more)'),
      ...Array<string>(8 + 4 * 4).fill('fc.weight'),
    ]
    expect(seen).toEqual(expected)
  })

  test('cut off, what PyTorch wrote is refused with a key of it', () => {
    const bytes = readFileSync(join(fixtures, 'checkpoint.legacy.pt'))
    for (const length of [bytes.length - 1, bytes.length - 60]) {
      const key = firstNotWhole(bytes.subarray(0, length)).replace(/ \(and of \d+ more\)$/, '')
      expect(Object.keys(reference['checkpoint'])).toContain(key)
    }
  })

  test.each(names)('%s with bytes changed is refused or read', (name) => {
    const bytes = readFileSync(join(fixtures, name))
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const changed = Buffer.from(bytes)
        for (const [position, value] of changes) changed[position] = value
        expectReadOrRefused(changed)
      }),
      { numRuns: 400 },
    )
  })

  test('any pickle at all is refused or read', () => {
    const operations = '()]}NRbtdaesuqhQi0123o.\x85\x86\x87\x81\x88\x93\x94'.split('').map(text)
    const part = fc.oneof(
      fc.constantFrom(
        ...operations,
        text('ccollections\nOrderedDict\n'),
        text('ctorch._utils\n_rebuild_tensor_v2\n'),
        text('ctorch._utils\n_rebuild_parameter\n'),
        text('ctorch.nn.modules.linear\nLinear\n'),
        text('cargparse\nNamespace\n'),
        storage(2),
        tuple(2),
        tuple(1),
        short('w'),
        int(0),
      ),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        expectReadOrRefused(fileWith(Buffer.concat([...parts, text('.')])))
      }),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expectReadOrRefused(bytes)
      }),
      { numRuns: 200 },
    )
  })

  test('that does not exist is a file error', () => {
    expect(() => loadTorchFile(join(folder, 'none.pt'))).toThrow(/ENOENT/)
  })
})

describe('files beyond 4 GiB are read a tensor at a time', () => {
  /** A file with this at its start, nothing, and this at its end; it takes no room on the disk. */
  function sparse(name: string, start: Buffer, size: number, end: Buffer): string {
    const file = join(folder, name)
    writeFileSync(file, start)
    const descriptor = openSync(file, 'r+')
    ftruncateSync(descriptor, size)
    writeSync(descriptor, end, 0, end.length, size - end.length)
    closeSync(descriptor)
    return file
  }
  const LARGE = 5 * 2 ** 30
  const last = Buffer.from(Float32Array.of(3, 4).buffer)

  test('safetensors', () => {
    const json = Buffer.from(
      JSON.stringify({
        large: { dtype: 'U8', shape: [LARGE], data_offsets: [0, LARGE] },
        small: { dtype: 'F32', shape: [2], data_offsets: [LARGE, LARGE + 8] },
      }),
    )
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(json.length))
    const start = Buffer.concat([length, json])
    const file = openSafetensors(sparse('x.safetensors', start, start.length + LARGE + 8, last))
    expect(file.read('small').toFlatArray()).toEqual([3, 4])
    file.close()
  })

  test('torch.save', () => {
    // The layout before 1.6 has no directory: the storages follow each other.
    const whole = readFileSync(join(fixtures, 'parameter.legacy.pt'))
    const storageSize = 8 + 2 * 4
    const large = Buffer.from(whole.subarray(0, whole.length - storageSize))
    const marker = large.indexOf(Buffer.from('K\x02N', 'latin1'))
    const count = LARGE / 4
    const wide = Buffer.alloc(7)
    wide.set([0x8a, 5])
    wide.writeUIntLE(count, 2, 5)
    const start = Buffer.concat([
      large.subarray(0, marker),
      wide,
      large.subarray(marker + 2),
      Buffer.alloc(8),
    ])
    start.writeBigInt64LE(BigInt(count), start.length - 8)
    const offset = start.indexOf(Buffer.from('QK\x00K\x02\x85', 'latin1'))
    const far = Buffer.alloc(7)
    far.set([0x8a, 5])
    far.writeUIntLE(count - 2, 2, 5)
    const moved = Buffer.concat([start.subarray(0, offset + 1), far, start.subarray(offset + 3)])
    const file = openTorchFile(sparse('x.pt', moved, moved.length + LARGE, last))
    expect(file.read('weight').toFlatArray()).toEqual([3, 4])
    file.close()
  })
})
