/** Files within an uncompressed ZIP file, which is how PyTorch stores tensors since 1.6. ZIP64 too. */
import type { ByteSource } from './byte-source.js'
import { SerializationError } from '../errors.js'

/** Where the bytes of a file within the archive stand. */
export interface ZipEntry {
  name: string
  size: number
  /** Where its own header begins. */
  header: number
  /** How it was compressed; 0 is not at all. */
  method: number
}

const END = 0x06054b50
const END_64 = 0x06064b50
const END_64_LOCATOR = 0x07064b50
const CENTRAL = 0x02014b50
const LOCAL = 0x04034b50
/** A 32-bit field whose value is in the ZIP64 extra field. */
const ELSEWHERE = 0xffffffff
const MAX_DIRECTORY = 256 * 2 ** 20

/** By name. Throws `SerializationError` where the directory is damaged. */
export function readZipDirectory(source: ByteSource): Map<string, ZipEntry> {
  const { count, start, size } = findDirectory(source)
  if (size > MAX_DIRECTORY || start + size > source.size || count * 46 > size)
    throw new SerializationError(
      `its directory of ${count} entries does not fit into ${size} bytes at ${start}`,
    )
  const bytes = source.read(start, size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, size)
  const entries = new Map<string, ZipEntry>()
  let at = 0
  for (let index = 0; index < count; index++) {
    const damaged = (): SerializationError =>
      new SerializationError(`its directory is damaged at entry ${index + 1} of ${count}`)
    if (at + 46 > size || view.getUint32(at, true) !== CENTRAL) throw damaged()
    const nameEnd = at + 46 + view.getUint16(at + 28, true)
    const extraEnd = nameEnd + view.getUint16(at + 30, true)
    const next = extraEnd + view.getUint16(at + 32, true)
    if (next > size) throw damaged()
    const name = Buffer.from(bytes.subarray(at + 46, nameEnd)).toString('utf8')
    const wide = wideNumbers(view, nameEnd, extraEnd)
    const field = (offset: number): number => {
      const value = view.getUint32(at + offset, true)
      return value === ELSEWHERE ? (wide() ?? value) : value
    }
    // In the order in which the extra field holds those that do not fit.
    const [size64, stored, header] = [field(24), field(20), field(42)]
    const method = view.getUint16(at + 10, true)
    if ((view.getUint16(at + 8, true) & 1) !== 0) throw new SerializationError(`${name} in it is encrypted`)
    if (entries.has(name)) throw new SerializationError(`${name} is in it twice`)
    if (method === 0 && stored !== size64)
      throw new SerializationError(`${name} in it has ${size64} bytes, kept in ${stored}`)
    entries.set(name, { name, size: size64, header, method })
    at = next
  }
  return entries
}

/** Where the bytes of an entry begin. Throws `SerializationError` where they are not all there, or compressed. */
export function zipEntryStart(source: ByteSource, { name, header, size, method }: ZipEntry): number {
  if (method !== 0) {
    throw new SerializationError(
      `${name} in it is compressed, which torch.save never does. Unpack the file and pack it without compression ` +
        '(zip -0 -r)',
    )
  }
  if (header + 30 > source.size) throw new SerializationError(`${name} in it is cut off`)
  const bytes = source.read(header, 30)
  const view = new DataView(bytes.buffer, bytes.byteOffset, 30)
  if (view.getUint32(0, true) !== LOCAL)
    throw new SerializationError(`${name} in it does not begin where it should`)
  const start = header + 30 + view.getUint16(26, true) + view.getUint16(28, true)
  if (start + size > source.size) throw new SerializationError(`${name} in it is cut off`)
  return start
}

function findDirectory(source: ByteSource): { count: number; start: number; size: number } {
  // The end record is 22 bytes and a comment of up to 65,535.
  const tailStart = Math.max(0, source.size - 22 - 0xffff)
  const tail = source.read(tailStart, source.size - tailStart)
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  let at = tail.length - 22
  while (at >= 0 && view.getUint32(at, true) !== END) at--
  if (at < 0) throw new SerializationError('it has no directory at its end, so it is cut off')
  if (at >= 20 && view.getUint32(at - 20, true) === END_64_LOCATOR) {
    const place = Number(view.getBigUint64(at - 12, true))
    if (place + 56 > source.size)
      throw new SerializationError('its ZIP64 directory is not where it should be')
    const record = source.read(place, 56)
    const wide = new DataView(record.buffer, record.byteOffset, 56)
    if (wide.getUint32(0, true) !== END_64)
      throw new SerializationError('its ZIP64 directory is not where it should be')
    const [count, size, start] = [32, 40, 48].map((offset) => Number(wide.getBigUint64(offset, true)))
    return { count, size, start }
  }
  return {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    start: view.getUint32(at + 16, true),
  }
}

/** The 64-bit numbers of a ZIP64 extra field, one a call; null after the last. */
function wideNumbers(view: DataView, start: number, end: number): () => number | null {
  let [next, stop] = [0, 0]
  for (let at = start; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue
    next = at + 4
    stop = Math.min(end, next + view.getUint16(at + 2, true))
    break
  }
  return () => {
    if (next + 8 > stop) return null
    next += 8
    return Number(view.getBigUint64(next - 8, true))
  }
}
