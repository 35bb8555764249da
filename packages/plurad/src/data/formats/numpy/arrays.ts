import { DataError } from '../../../errors.js'
import { withFileSync, type ByteSource } from '../byte-source.js'
import { storedBytes, storedValues } from '../stored-values.js'
import { assertWhole, countOf, isNpy, numberType, readNpyHeader, type NpyHeader } from './npy.js'
import { arrayName, isNpz, memberHeader, memberSource, npzMembers } from './npz.js'

/** An array that `readArray` reads whole has at most so many values. */
const MOST_VALUES = 2 ** 26

/** What an NPY or NPZ file holds, without its values. */
export interface ArrayInfo {
  /** Its name in an NPZ file; empty for the one array of an NPY file. */
  name: string
  /** As NumPy writes it, such as `|u1` or `<f4`. */
  dtype: string
  shape: readonly number[]
}

/** An array in memory, such as labels. */
export interface NumberArray extends ArrayInfo {
  /** In C order: the last index runs fastest. Truth values are 0 and 1. */
  values: Float64Array
}

/** An array of text (`<U12` or `|S12`), such as file names. */
export interface TextArray extends ArrayInfo {
  values: string[]
}

/**
 * The arrays of an NPY or NPZ file of any size, in the file's order; only headers are read.
 *
 * @throws DataError naming the file, where it is missing, damaged or of another kind
 */
export function listArrays(path: string): ArrayInfo[] {
  return reading(path, null, (source) =>
    entries(source).map(({ name, header }) => {
      const { dtype, shape } = header()
      return { name, dtype, shape }
    }),
  )
}

/**
 * An array whole, for labels and the like; images are read a row at a time by `decodeImage`.
 *
 * @param name of the array in an NPZ file; empty for an NPY file
 * @throws DataError naming the file and the array, where it is missing, damaged, too large or of another type
 */
export function readArray(path: string, name = ''): NumberArray | TextArray {
  return reading(path, name, (source) => {
    const all = entries(source)
    const entry = all.find((candidate) => candidate.name === name)
    if (entry === undefined)
      throw new Error(`there is no such array, but ${all.map((candidate) => candidate.name).join(', ')}`)
    const { dtype, shape, fortran } = entry.header()
    const count = countOf(shape)
    if (count > MOST_VALUES)
      throw new Error(`it has ${shape.join(' x ')} values, more than are read whole (${MOST_VALUES})`)
    const array = entry.open()
    const header = readNpyHeader(array)
    const values = numbers(array, header) ?? text(array, header)
    const info = { name, dtype, shape }
    if (values instanceof Float64Array)
      return { ...info, values: Float64Array.from(fortran ? inRowOrder(values, shape) : values) }
    return { ...info, values: fortran ? inRowOrder(values, shape) : values }
  })
}

interface Entry {
  name: string
  header: () => NpyHeader
  /** The whole array as NPY. */
  open: () => ByteSource
}

function entries(source: ByteSource): Entry[] {
  const head = source.read(0, Math.min(512, source.size))
  if (isNpy(head)) return [{ name: '', header: () => readNpyHeader(source), open: () => source }]
  if (!isNpz(head)) throw new Error('it is neither NPY nor NPZ')
  return npzMembers(source).map((member) => ({
    name: arrayName(member),
    header: () => memberHeader(source, member),
    open: () => memberSource(source, member),
  }))
}

function numbers(source: ByteSource, header: NpyHeader): Float64Array | null {
  const kind = numberType(header.dtype)
  if (kind === null) return null
  const size = storedBytes(kind.type)
  assertWhole(source, header, size)
  const bytes = source.read(header.start, countOf(header.shape) * size)
  return Float64Array.from(storedValues(bytes, kind.type, kind.littleEndian))
}

/** NumPy pads text with NUL: `U` is four bytes a character, `S` one. */
function text(source: ByteSource, header: NpyHeader): string[] {
  const [, order, kind, digits] = /^([<>|=]?)([US])(\d{1,6})$/.exec(header.dtype) ?? []
  if (kind === undefined)
    throw new Error(`its values are of dtype ${header.dtype}, where numbers or text are expected`)
  const size = Number(digits) * (kind === 'U' ? 4 : 1)
  assertWhole(source, header, size)
  const count = countOf(header.shape)
  const bytes = source.read(header.start, count * size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: count }, (_, index) => {
    const points: number[] = []
    for (let at = index * size; at < (index + 1) * size; at += kind === 'U' ? 4 : 1)
      points.push(kind === 'U' ? view.getUint32(at, order !== '>') : view.getUint8(at))
    while (points.at(-1) === 0) points.pop()
    if (kind === 'S') return Buffer.from(points).toString('utf8')
    if (points.some((point) => point > 0x10ffff)) throw new Error('its text is not Unicode')
    return String.fromCodePoint(...points)
  })
}

/** Values whose first index runs fastest, in the order in which the last one does. */
function inRowOrder<T>(values: ArrayLike<T>, shape: readonly number[]): T[] {
  const strides = shape.map((_, axis) => countOf(shape.slice(0, axis)))
  return Array.from({ length: values.length }, (_, position) => {
    let rest = position
    let from = 0
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (rest % shape[axis]) * strides[axis]
      rest = Math.floor(rest / shape[axis])
    }
    return values[from]
  })
}

function reading<T>(path: string, name: string | null, read: (source: ByteSource) => T): T {
  try {
    return withFileSync(path, read)
  } catch (error) {
    const where = name === null || name === '' ? path : `${path}: array ${name}`
    const { code, message } = error as NodeJS.ErrnoException
    throw new DataError(`${where}: ${code === 'ENOENT' ? 'no such file' : message}.`, { cause: error })
  }
}
