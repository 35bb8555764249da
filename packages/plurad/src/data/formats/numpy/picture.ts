import { dropAlpha, MAX_PIXELS, type DecodedImage } from '../../image.js'
import type { WindowChoice } from '../../preprocessing.js'
import type { ByteSource } from '../byte-source.js'
import { UnsupportedError } from '../format.js'
import { storedBytes, storedValues, type StoredType, type Values } from '../stored-values.js'
import { chosenRange, finiteRange, windowToGrid, type ValueRange } from '../window.js'
import { countOf, requireNumbers, type NpyHeader, type NumberType } from './npy.js'

/** Bytes that are read at once where more than one image's are needed. */
const CHUNK_BYTES = 2 ** 22

/** One image within an array. */
interface Layout {
  /** Images in the array, and which one it is. */
  rows: number
  row: number
  height: number
  width: number
  channels: 1 | 3 | 4
}

/**
 * One image of an array: of [H, W] or [H, W, C] the array itself, of [N, H, W] or [N, H, W, C] a row, C being 1, 3 or
 * 4 (alpha is dropped).
 *
 * Unsigned bytes and 16-bit integers are pixels, truth values black and white; of other integers `full` and `file` are
 * the range of their type, of floats the least to the greatest finite value of the whole array. Any other window
 * applies to every type and gives 16 bits.
 *
 * @param source the NPY file
 * @param row null for the first
 * @param remember keeps the range of a whole array of floats, which takes a look at all of it
 */
export function pictureOf(
  source: ByteSource,
  header: NpyHeader,
  row: number | null,
  window: WindowChoice,
  remember: (range: () => ValueRange) => ValueRange,
): DecodedImage {
  const type = requireNumbers(source, header)
  const layout = layoutOf(header.shape, row)
  const stored = storedValues(imageBytes(source, header, layout, type.type), type.type, type.littleEndian)
  const own = window === 'file' || window === 'full' ? ownPixels(stored, type) : null
  const range = () => fullRange(source, header, type, remember)
  const pixels = own ?? windowed(stored, chosenRange(window, [], range))
  const { width, height, channels } = layout
  return {
    width,
    height,
    channels: channels === 1 ? 1 : 3,
    maxValue: pixels instanceof Uint8Array ? 255 : 65535,
    data: channels === 4 ? dropAlpha(pixels, 3) : pixels,
    asStored: own instanceof Uint16Array,
  }
}

/** Whether an array can hold images. */
export function isPicture(shape: readonly number[]): boolean {
  try {
    layoutOf(shape, null)
    return true
  } catch {
    return false
  }
}

function layoutOf(shape: readonly number[], row: number | null): Layout {
  const channels = asChannels(shape.at(-1))
  const isSingle = shape.length === 2 || (shape.length === 3 && channels !== null)
  const isRows = !isSingle && (shape.length === 3 || (shape.length === 4 && channels !== null))
  if (!isSingle && !isRows) {
    throw new UnsupportedError(
      `its shape is [${shape.join(', ')}], where [H, W], [H, W, C], [N, H, W] or [N, H, W, C] with 1, 3 or 4 channels C ` +
        'are images. Channels come last: numpy.moveaxis(array, 1, -1) brings them there',
    )
  }
  if (isSingle && row !== null && row !== 0)
    throw new UnsupportedError(
      `row ${row} was asked for, but its shape [${shape.join(', ')}] is that of one image`,
    )
  if (isRows && row === null && shape.length === 3 && shape[0] === 3) {
    throw new UnsupportedError(
      `its shape [${shape.join(', ')}] can be three images or one with its channels first. Ask for a row, such as #0, ` +
        'or save it with its channels last',
    )
  }
  const [rows, height, width] = isSingle ? [1, ...shape] : shape
  const index = row ?? 0
  if (index >= rows)
    throw new UnsupportedError(`row ${index} was asked for, but it has ${rows}, counted from 0`)
  if (height * width === 0) throw new UnsupportedError(`its images are ${width} x ${height} pixels`)
  if (height * width > MAX_PIXELS)
    throw new UnsupportedError(`its images are ${width} x ${height} pixels, more than ${MAX_PIXELS}`)
  const hasChannels = shape.length === (isSingle ? 3 : 4)
  return { rows, row: index, height, width, channels: hasChannels && channels !== null ? channels : 1 }
}

function asChannels(length: number | undefined): 1 | 3 | 4 | null {
  return length === 1 || length === 3 || length === 4 ? length : null
}

/** The bytes of one image in the order [H, W, C]. */
function imageBytes(source: ByteSource, header: NpyHeader, layout: Layout, type: StoredType): Uint8Array {
  const { rows, row, height, width, channels } = layout
  const size = storedBytes(type)
  const count = height * width * channels
  if (!header.fortran) return source.read(header.start + row * count * size, count * size)
  // The row's index runs fastest, then the line's: pixel by pixel through the whole array.
  const bytes = new Uint8Array(count * size)
  const step = rows * size
  const atOnce = Math.max(1, Math.floor(CHUNK_BYTES / step))
  for (let first = 0; first < count; first += atOnce) {
    const last = Math.min(count, first + atOnce) - 1
    const chunk = source.read(header.start + first * step + row * size, (last - first) * step + size)
    for (let position = first; position <= last; position++) {
      const line = position % height
      const column = Math.floor(position / height) % width
      const channel = Math.floor(position / (height * width))
      const to = ((line * width + column) * channels + channel) * size
      const from = (position - first) * step
      for (let byte = 0; byte < size; byte++) bytes[to + byte] = chunk[from + byte]
    }
  }
  return bytes
}

/** Values that are pixels as they are; null for those that need a window. */
function ownPixels(stored: Values, { bool }: NumberType): Uint8Array | Uint16Array | null {
  if (bool) return Uint8Array.from(stored, (value) => (value === 0 ? 0 : 255))
  return stored instanceof Uint8Array || stored instanceof Uint16Array ? stored : null
}

function windowed(stored: Values, range: ValueRange): Uint16Array {
  const grid = new Uint16Array(stored.length)
  windowToGrid(stored, range, grid)
  return grid
}

function fullRange(
  source: ByteSource,
  header: NpyHeader,
  { type, littleEndian }: NumberType,
  remember: (range: () => ValueRange) => ValueRange,
): ValueRange {
  const bits = 8 * storedBytes(type)
  if (type.startsWith('u')) return { low: 0, high: 2 ** bits - 1 }
  if (type.startsWith('i')) return { low: -(2 ** (bits - 1)), high: 2 ** (bits - 1) - 1 }
  return remember(() => {
    const end = header.start + countOf(header.shape) * storedBytes(type)
    let [low, high] = [Infinity, -Infinity]
    for (let at = header.start; at < end; at += CHUNK_BYTES) {
      const chunk = source.read(at, Math.min(CHUNK_BYTES, end - at))
      const found = finiteRange(storedValues(chunk, type, littleEndian))
      if (found === null) continue
      low = Math.min(low, found.low)
      high = Math.max(high, found.high)
    }
    return low <= high ? { low, high } : { low: 0, high: 0 }
  })
}
