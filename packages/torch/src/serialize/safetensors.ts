/**
 * The safetensors format: eight bytes with the header's length, a JSON header (dtype, shape and byte range of every
 * tensor, and free text under `__metadata__`), then the values. Nothing in it can be executed.
 * https://github.com/huggingface/safetensors
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { wrap } from '../aten.js'
import { copyBytes } from '../bytes.js'
import { itemSize, type DType } from '../dtype.js'
import { engineError, OutOfMemoryError, SerializationError } from '../errors.js'
import { native } from '../native.js'
import type { Tensor } from '../tensor.js'
import { fileSource, memorySource, type ByteSource } from './byte-source.js'
import type { TensorFile } from './tensor-file.js'

const names: Partial<Record<DType, string>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
}
const dtypes = new Map(Object.entries(names).map(([dtype, name]) => [name, dtype as DType]))

interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

export interface SafetensorsContent {
  tensors: Map<string, Tensor>
  metadata: Record<string, string>
}

const MAX_HEADER = 100 * 2 ** 20
/** Systems write less than 2 GiB in one call. */
const MAX_WRITE = 2 ** 30

function* encode(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): Generator<Uint8Array> {
  // Without a prototype, so that '__proto__' is a key as any other.
  const header = Object.create(null) as Record<string, Entry | Readonly<Record<string, string>>>
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata
  let offset = 0
  for (const [key, tensor] of tensors) {
    const { dtype, shape, numel } = tensor
    const name = names[dtype]
    if (name === undefined) throw new SerializationError(`'${key}': safetensors cannot hold ${dtype}`)
    if (key === '__metadata__') throw new SerializationError(`no tensor can be called '${key}'`)
    const end = offset + numel * itemSize[dtype]
    header[key] = { dtype: name, shape, data_offsets: [offset, end] }
    offset = end
  }
  const json = Buffer.from(JSON.stringify(header))
  // Padded with spaces so that the values start at a multiple of eight bytes.
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ')
  json.copy(padded)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  yield length
  yield padded
  for (const tensor of tensors.values()) yield copyBytes(tensor.handle)
}

/**
 * Writes tensors and metadata. The file appears whole or not at all: it is written beside its place, flushed to the
 * disk, and renamed. An error (a full disk, a folder that cannot be written) leaves the old file as it was.
 */
export function saveSafetensors(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const temporary = `${file}.${process.pid}.tmp`
  let descriptor: number | undefined
  try {
    descriptor = openSync(temporary, 'w')
    for (const part of encode(tensors, metadata)) {
      for (let written = 0; written < part.length;) {
        written += writeSync(descriptor, part, written, Math.min(part.length - written, MAX_WRITE))
      }
    }
    fsyncSync(descriptor)
    closeSync(descriptor)
    descriptor = undefined
    renameSync(temporary, file)
  } catch (error) {
    try {
      if (descriptor !== undefined) closeSync(descriptor)
    } catch {
      // The first error says more.
    }
    rmSync(temporary, { force: true })
    throw error
  }
  flushFolder(dirname(file))
}

// The rename is safe against a power cut only when the folder has been flushed too.
function flushFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    // Some network file systems cannot flush a folder; the file is in its place by now.
  }
}

/** Reads a whole file. Throws `SerializationError`, naming file and key, where it is damaged. */
export function loadSafetensors(file: string): SafetensorsContent {
  return readAll(openSafetensors(file), file)
}

export function decodeSafetensors(bytes: Uint8Array, file = 'safetensors'): SafetensorsContent {
  return readAll(read(memorySource(bytes), file), file)
}

/**
 * Opens a file of any size: its header is read and checked, each tensor is read when it is asked for.
 *
 * @throws SerializationError, naming file and key, where it is damaged
 */
export function openSafetensors(file: string): TensorFile {
  const source = fileSource(file)
  try {
    return read(source, file)
  } catch (error) {
    source.close()
    throw error
  }
}

/** Whether a file that begins with these bytes (16 will do) may be a safetensors file. */
export function isSafetensors(head: Uint8Array): boolean {
  const [, , , , , , high, highest, brace] = head
  return head.length > 8 && high === 0 && highest === 0 && brace === '{'.charCodeAt(0)
}

function readAll(file: TensorFile, name: string): SafetensorsContent {
  const tensors = new Map<string, Tensor>()
  try {
    for (const key of file.entries.keys()) tensors.set(key, file.read(key))
  } catch (error) {
    for (const tensor of tensors.values()) tensor.dispose()
    const cause = engineError(error, name)
    if (cause instanceof OutOfMemoryError) throw cause
    throw damage(name, cause.message)
  } finally {
    file.close()
  }
  return { tensors, metadata: { ...file.metadata } }
}

function damage(file: string, what: string): SerializationError {
  return new SerializationError(`${file} is not a whole safetensors file: ${what}`)
}

function read(source: ByteSource, file: string): TensorFile {
  const damaged = (what: string): SerializationError => damage(file, what)
  if (source.size < 8) throw damaged(`it has ${source.size} bytes`)
  const first = source.read(0, 8)
  const headerLength = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true))
  if (headerLength > MAX_HEADER || 8 + headerLength > source.size) {
    throw damaged(`its header claims ${headerLength} bytes, the file has ${source.size}`)
  }
  let header: unknown
  try {
    header = JSON.parse(Buffer.from(source.read(8, headerLength)).toString('utf8'))
  } catch {
    throw damaged('its header is not JSON')
  }
  if (!isObject(header)) throw damaged('its header is not a JSON object')
  const dataStart = 8 + headerLength
  const dataLength = source.size - dataStart
  const { __metadata__: metadata = {}, ...entries } = header
  if (!isTexts(metadata)) throw damaged('its metadata is not text by name')

  // Everything is checked before the first tensor is made.
  const found = Object.entries(entries).map(([key, value]) => {
    const {
      dtype: name,
      shape,
      data_offsets: offsets,
    }: Partial<Record<string, unknown>> = isObject(value) ? value : {}
    const dtype = typeof name === 'string' ? dtypes.get(name) : undefined
    if (dtype === undefined) throw damaged(`'${key}' has the unknown dtype ${JSON.stringify(name)}`)
    if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
      throw damaged(`'${key}' has no shape or place of whole numbers`)
    }
    const [start, end] = offsets
    const expected = shape.reduce((product, size) => product * size, itemSize[dtype])
    if (end > dataLength || end - start !== expected) {
      throw damaged(
        `'${key}' of shape [${shape.join(', ')}] should fill ${expected} bytes at ${start}, its place ends at ` +
          `${end} of ${dataLength}`,
      )
    }
    return { key, dtype, shape, start, end }
  })
  // The format allows neither overlaps nor holes.
  let filled = 0
  for (const { key, start, end } of [...found].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== filled) throw damaged(`'${key}' starts at ${start}, the tensor before it ends at ${filled}`)
    filled = end
  }
  if (filled !== dataLength) throw damaged(`its tensors end at ${filled} of ${dataLength}`)

  const places = new Map(found.map(({ key, ...place }) => [key, place]))
  return {
    entries: places,
    metadata,
    lists: new Map(),
    read(key) {
      const place = places.get(key)
      if (place === undefined) throw new SerializationError(`${file} has no tensor '${key}'`)
      const { dtype, shape, start, end } = place
      return wrap(native.fromBytes(source.read(dataStart + start, end - start), dtype, shape))
    },
    close: () => source.close(),
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}
