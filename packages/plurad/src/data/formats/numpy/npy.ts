import { startsWith, UnsupportedError } from '../format.js'
import type { ByteSource } from '../byte-source.js'
import { storedBytes, type StoredType } from '../stored-values.js'

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/** Longer headers describe tables of named fields, which are no images. */
const LONGEST_HEADER = 65536

/** The header of an NPY file, versions 1 to 3. */
export interface NpyHeader {
  /** As NumPy writes it, such as `<f4` or `|u1`. */
  dtype: string
  shape: readonly number[]
  /** Whether the first index runs fastest. */
  fortran: boolean
  /** Where the values begin, bytes from the start. */
  start: number
}

export function isNpy(head: Uint8Array): boolean {
  return startsWith(head, MAGIC)
}

/**
 * @throws Error with the reason, where it is damaged or cut off
 */
export function readNpyHeader(source: ByteSource): NpyHeader {
  const prefix = source.read(0, Math.min(source.size, 12))
  if (!isNpy(prefix) || prefix.length < 12) throw new Error('it does not begin as NPY does')
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength)
  const version = prefix[6]
  if (!(version >= 1 && version <= 3))
    throw new Error(`it is of NPY version ${version}, where 1 to 3 are known`)
  const textAt = version === 1 ? 10 : 12
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > LONGEST_HEADER)
    throw new UnsupportedError(`its NPY header has ${length} bytes: not one plain array`)
  const text = Buffer.from(source.read(textAt, length)).toString('latin1')
  const dtype = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1]
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1]
  const lengths = /'shape'\s*:\s*\(([^)]*)\)/.exec(text)?.[1]
  if (dtype === undefined && /'descr'\s*:\s*\[/.test(text))
    throw new UnsupportedError(
      'its values are of a structured dtype (named fields), where plain numbers are expected',
    )
  if (dtype === undefined || fortran === undefined || lengths === undefined)
    throw new Error(`its NPY header is ${JSON.stringify(text.slice(0, 120))}`)
  const words = lengths.split(',').map((word) => word.trim().replace(/L$/, ''))
  if (words.at(-1) === '') words.pop()
  const shape = words.map((word) => (/^\d{1,15}$/.test(word) ? Number(word) : NaN))
  if (!shape.every(Number.isSafeInteger) || !Number.isSafeInteger(countOf(shape) * 8))
    throw new Error(`its shape is (${lengths})`)
  return { dtype, shape, fortran: fortran === 'True', start: textAt + length }
}

/** Values of an array of that shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}

/** How the numbers of a dtype are stored. */
export interface NumberType {
  type: StoredType
  littleEndian: boolean
  /** Truth values: bytes of 0 and 1. */
  bool: boolean
}

const NUMBERS: readonly string[] = [
  'i1',
  'u1',
  'i2',
  'u2',
  'i4',
  'u4',
  'i8',
  'u8',
  'f2',
  'f4',
  'f8',
] satisfies StoredType[]

/** Null for text, complex numbers, dates and Python objects. */
export function numberType(dtype: string): NumberType | null {
  const [, order, name] = /^([<>|=]?)(.*)$/s.exec(dtype) ?? []
  if (name === 'b1' || name === '?') return { type: 'u1', littleEndian: true, bool: true }
  if (name === undefined || !NUMBERS.includes(name)) return null
  return { type: name as StoredType, littleEndian: order !== '>', bool: false }
}

/** Whether all its values are there, and not fewer than its header says. */
export function assertWhole(source: ByteSource, header: NpyHeader, bytesEach: number): void {
  const end = header.start + countOf(header.shape) * bytesEach
  if (end > source.size) {
    throw new Error(
      `its header says ${header.shape.join(' x ')} values of ${bytesEach} bytes, which end at byte ${end}, ` +
        `and there are ${source.size}`,
    )
  }
}

/** `numberType` for callers that can do with numbers only. */
export function requireNumbers(source: ByteSource, header: NpyHeader): NumberType {
  const type = numberType(header.dtype)
  if (type === null) {
    throw new UnsupportedError(
      `its values are of dtype ${header.dtype}, where booleans, integers or floats of up to 64 bits are expected`,
    )
  }
  assertWhole(source, header, storedBytes(type.type))
  return type
}
