/**
 * Files of `torch.save` (`.pt`, `.pth`, `.bin`), read without running anything in them: the zip layout since PyTorch 1.6 and
 * the one before. The pickle in them is read as data (`pickle.ts`); what it wants to call beyond tensors is refused.
 */
import { aten, wrap } from '../aten.js'
import { itemSize } from '../dtype.js'
import { engineError, OutOfMemoryError, SerializationError } from '../errors.js'
import { scope } from '../memory.js'
import { native } from '../native.js'
import type { Tensor } from '../tensor.js'
import { ByteReader, fileSource, memorySource, type ByteSource } from './byte-source.js'
import { readPickle, type PickleValue } from './pickle.js'
import type { TensorFile } from './tensor-file.js'
import { TorchPickle, type StorageReference, type StoredTensor } from './torch-pickle.js'
import { treeOf } from './torch-tree.js'
import { readZipDirectory, zipEntryStart } from './zip-archive.js'

/** 0x1950a86a20f9469cfc6c as a pickle of protocol 2: how files before 1.6 begin. */
const LEGACY = Uint8Array.of(
  0x80,
  2,
  0x8a,
  10,
  0x6c,
  0xfc,
  0x9c,
  0x46,
  0xf9,
  0x20,
  0x6a,
  0xa8,
  0x50,
  0x19,
  0x2e,
)
const ZIP = Uint8Array.of(0x50, 0x4b, 3, 4)
/** Bytes from the start of a file that `isTorchFile` looks at. */
const HEAD = LEGACY.length

/** Tensors may share values, so that their sum is more than the file; a few times more is no file of weights. */
const MAX_TIMES = 4
const MAX_BEYOND = 64 * 2 ** 20

/** Whether a file that begins with these bytes (16 will do) is one of `torch.save`. */
export function isTorchFile(head: Uint8Array): boolean {
  return startsWith(head, LEGACY) || startsWith(head, ZIP)
}

/**
 * Opens a file: what is in it is known then, and each tensor is read when it is asked for. Tensors have dotted names, those
 * of dictionaries within dictionaries (`state_dict.fc.weight`) and of whole modules too.
 *
 * @throws SerializationError naming the file where it is damaged, or names something to be called
 */
export function openTorchFile(file: string): TensorFile {
  const source = fileSource(file)
  try {
    return read(source, file)
  } catch (error) {
    source.close()
    throw error
  }
}

/** All tensors of a file by their dotted names. */
export function loadTorchFile(file: string): Map<string, Tensor> {
  return readAll(openTorchFile(file))
}

/** The same from bytes; `file` is named in messages. */
export function decodeTorchFile(bytes: Uint8Array, file = 'the file'): Map<string, Tensor> {
  return readAll(read(memorySource(bytes), file))
}

function readAll(file: TensorFile): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>()
  try {
    for (const key of file.entries.keys()) tensors.set(key, file.read(key))
  } catch (error) {
    for (const tensor of tensors.values()) tensor.dispose()
    throw error
  } finally {
    file.close()
  }
  return tensors
}

interface Content {
  root: PickleValue
  bigEndian: boolean
  /** Where the values of a storage begin in the file. */
  placeOf: (storage: StorageReference) => number
}

function read(source: ByteSource, file: string): TensorFile {
  return explained(file, () => {
    const { root, bigEndian, placeOf } = contentOf(source)
    const { tensors, lists } = treeOf(root)
    let left = MAX_TIMES * source.size + MAX_BEYOND
    return {
      entries: tensors,
      metadata: {},
      lists,
      read: (key) =>
        explained(file, () => {
          const stored = tensors.get(key)
          if (stored === undefined) throw new SerializationError(`there is no tensor ${key} in it`)
          const size = itemSize[stored.dtype]
          left -= Math.max(stored.numel, stored.span) * size
          if (left < 0)
            throw new SerializationError('its tensors together are many times larger than the file')
          const start = placeOf(stored.storage) + (stored.storage.start + stored.offset) * size
          const bytes = source.read(start, stored.span * size)
          return tensorOf(bigEndian ? swapped(bytes, stored) : bytes, stored)
        }),
      close: () => source.close(),
    }
  })
}

function contentOf(source: ByteSource): Content {
  const head = source.read(0, Math.min(HEAD, source.size))
  if (startsWith(head, ZIP)) return zipContent(source)
  if (startsWith(head, LEGACY)) return legacyContent(source)
  throw new SerializationError(
    `it begins with neither layout of torch.save (${source.size} bytes). Files from before PyTorch 0.1.10 and those of ` +
      'other programs cannot be read; save the weights as safetensors',
  )
}

function zipContent(source: ByteSource): Content {
  const entries = readZipDirectory(source)
  const name = [...entries.keys()].find((entry) => /^[^/]*\/data\.pkl$/.test(entry))
  const pickle = name === undefined ? undefined : entries.get(name)
  if (name === undefined || pickle === undefined)
    throw new SerializationError('it is a zip file without data.pkl, which torch.save writes')
  const folder = name.slice(0, -'data.pkl'.length)
  if (entries.has(`${folder}constants.pkl`)) {
    throw new SerializationError(
      'it is a TorchScript program, not weights. Save its state dictionary: ' +
        'torch.save(torch.jit.load(file).state_dict(), other)',
    )
  }
  const start = zipEntryStart(source, pickle)
  const callables = new TorchPickle()
  const root = readPickle(new ByteReader(source, start, start + pickle.size), callables)
  callables.finish()
  const order = entries.get(`${folder}byteorder`)
  const bigEndian =
    order !== undefined &&
    Buffer.from(source.read(zipEntryStart(source, order), Math.min(order.size, 8))).toString() === 'big'
  const places = new Map<string, number>()
  for (const { key, dtype, start: first, count } of callables.storages) {
    const entry = entries.get(`${folder}data/${key}`)
    const needed = (first + count) * itemSize[dtype]
    if (entry === undefined) throw new SerializationError(`the values of storage ${key} are not in it`)
    if (entry.size < needed)
      throw new SerializationError(`storage ${key} in it has ${entry.size} bytes, its tensors need ${needed}`)
    if (!places.has(key)) places.set(key, zipEntryStart(source, entry))
  }
  return { root, bigEndian, placeOf: placesOf(places) }
}

/** Pickles of a magic number, the protocol, the machine, the content and the storages' keys; then the storages. */
function legacyContent(source: ByteSource): Content {
  const reader = new ByteReader(source, 0, source.size)
  const callables = new TorchPickle()
  const next = (): PickleValue => readPickle(reader, callables)
  next()
  const protocol = next()
  if (protocol !== 1001) throw new SerializationError('its protocol is not 1001, the only one that there was')
  const machine = next()
  const bigEndian = machine instanceof Map && machine.get('little_endian') === false
  const root = next()
  const keys = next()
  callables.finish()
  if (!Array.isArray(keys)) throw new SerializationError('it does not say in which order its values stand')
  const needed = new Map<string, { item: number; count: number }>()
  for (const { key, dtype, start, count } of callables.storages) {
    const before = needed.get(key)?.count ?? 0
    needed.set(key, { item: itemSize[dtype], count: Math.max(before, start + count) })
  }
  const order = keys.filter((key) => typeof key === 'string')
  const places = new Map<string, number>()
  let at = reader.position
  for (const [i, key] of keys.entries()) {
    const known = typeof key === 'string' ? needed.get(key) : undefined
    if (typeof key !== 'string' || known === undefined)
      throw new SerializationError('it has values that belong to no tensor')
    if (at + 8 > source.size) throw cutOff(source.size, root, order.slice(i), at + 8)
    const length = source.read(at, 8)
    const view = new DataView(length.buffer, length.byteOffset, 8)
    const count = Number(view.getBigInt64(0, !bigEndian))
    if (count < known.count)
      throw new SerializationError(
        `storage ${key} in it has ${count} values, its tensors need ${known.count}`,
      )
    places.set(key, at + 8)
    if (at + 8 + count * known.item > source.size) throw cutOff(source.size, root, order.slice(i), at + 8)
    at += 8 + count * known.item
  }
  const absent = [...needed.keys()].find((key) => !places.has(key))
  if (absent !== undefined) throw new SerializationError(`the values of storage ${absent} are not in it`)
  return { root, bigEndian, placeOf: placesOf(places) }
}

/**
 * Names the first tensor that is not whole in a file of `size` bytes that ends within or before these storages, given in the
 * order in which they stand; the values of the first begin at `begin`.
 */
function cutOff(
  size: number,
  root: PickleValue,
  storages: readonly string[],
  begin: number,
): SerializationError {
  const order = new Map(storages.map((key, i) => [key, i]))
  const placeOf = ({ storage }: StoredTensor): number => order.get(storage.key) ?? -1
  const endOf = ({ storage, offset, span, dtype }: StoredTensor): number =>
    begin + (storage.start + offset + span) * itemSize[dtype]
  const [first, ...others] = [...treeOf(root).tensors]
    .filter(([, tensor]) => tensor.span > 0 && placeOf(tensor) >= 0)
    .filter(([, tensor]) => placeOf(tensor) > 0 || endOf(tensor) > size)
    .sort(([, a], [, b]) => placeOf(a) - placeOf(b))
    .map(([name]) => (name === '' ? 'its tensor' : name))
  return new SerializationError(
    `it is cut off after ${size} bytes, before the last value of ${first ?? `storage ${storages[0]}`}` +
      `${others.length > 0 ? ` (and of ${others.length} more)` : ''}. Fetch or copy it again`,
  )
}

function placesOf(places: ReadonlyMap<string, number>): Content['placeOf'] {
  return ({ key }) => {
    const place = places.get(key)
    if (place === undefined) throw new SerializationError(`the values of storage ${key} are not in it`)
    return place
  }
}

/** Bytes from the first to the last value -> a tensor of its own, row by row whatever the order in the file. */
function tensorOf(bytes: Uint8Array, { dtype, shape, strides, numel, span }: StoredTensor): Tensor {
  if (isRowMajor(shape, strides)) return wrap(native.fromBytes(bytes, dtype, shape))
  if (numel === 0) return wrap(native.fromBytes(bytes, dtype, shape))
  return scope(() =>
    aten.clone.default(
      aten.as_strided.default(wrap(native.fromBytes(bytes, dtype, [span])), [...shape], [...strides], 0),
      { memory_format: 'contiguous_format' },
    ),
  )
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false
    expected *= shape[i]
  }
  return true
}

function swapped(bytes: Uint8Array, { dtype }: StoredTensor): Uint8Array {
  const size = dtype.startsWith('complex') ? itemSize[dtype] / 2 : itemSize[dtype]
  const copy = bytes.slice()
  for (let at = 0; at < copy.length; at += size) copy.subarray(at, at + size).reverse()
  return copy
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, i) => bytes[i] === byte)
}

/** Names the file in whatever goes wrong within. */
function explained<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const cause = engineError(error, file)
    if (cause instanceof OutOfMemoryError) throw cause
    const reason = error instanceof RangeError ? error.message : cause.message
    throw new SerializationError(`${file} cannot be read as a PyTorch file: ${reason}`, { cause: error })
  }
}
