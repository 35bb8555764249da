import { crc32, inflateRawSync } from 'node:zlib'
import type { ByteSource } from '../byte-source.js'
import { UnsupportedError } from '../format.js'

/** A file within a ZIP file. */
export interface ZipMember {
  name: string
  deflated: boolean
  crc: number
  /** Bytes in the ZIP file and once it is inflated. */
  stored: number
  size: number
  /** Where its local header begins. */
  header: number
}

/** The most that a byte of deflated data can become. */
const DEFLATE_RATIO = 1032

const END = 0x06054b50
const END_64 = 0x06064b50
const END_64_LOCATOR = 0x07064b50
const CENTRAL = 0x02014b50
const LOCAL = 0x04034b50
/** What stands in a 32-bit field whose value is in the ZIP64 extra field. */
const ELSEWHERE = 0xffffffff

/**
 * The members of a ZIP file by its directory, which is at its end; ZIP64 too. What is not deflated or stored, is
 * encrypted or spread over several disks is refused.
 *
 * @throws Error with the reason
 */
export function zipMembers(source: ByteSource): ZipMember[] {
  const { count, start, size } = findDirectory(source)
  if (count * 46 > size) throw new Error(`its directory of ${size} bytes cannot hold ${count} members`)
  const bytes = source.read(start, size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const members: ZipMember[] = []
  for (let index = 0, at = 0; index < count; index++) {
    if (at + 46 > size || view.getUint32(at, true) !== CENTRAL)
      throw new Error(`its directory is damaged at member ${index + 1} of ${count}`)
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true),
    )
    const next = at + 46 + nameLength + extraLength + commentLength
    if (next > size) throw new Error(`its directory is damaged at member ${index + 1} of ${count}`)
    const name = Buffer.from(bytes.subarray(at + 46, at + 46 + nameLength)).toString('utf8')
    const extra = view64(bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength))
    const wide = (field: number) => {
      const value = view.getUint32(at + field, true)
      return value === ELSEWHERE ? extra() : value
    }
    // In the order in which the extra field holds those that are there.
    const unpacked = wide(24)
    const stored = wide(20)
    const header = wide(42)
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)]
    if ((flags & 1) !== 0)
      throw new UnsupportedError(`its member ${name} is encrypted; save it without a password`)
    if (method !== 0 && method !== 8)
      throw new UnsupportedError(
        `its member ${name} is compressed by method ${method}, where 0 and 8 (deflate) are read`,
      )
    members.push({
      name,
      deflated: method === 8,
      crc: view.getUint32(at + 16, true),
      stored,
      size: unpacked,
      header,
    })
    at = next
  }
  return members
}

/** Where the bytes of a member begin. */
export function memberStart(source: ByteSource, member: ZipMember): number {
  const header = source.read(member.header, 30)
  const view = new DataView(header.buffer, header.byteOffset, 30)
  if (view.getUint32(0, true) !== LOCAL)
    throw new Error(`its member ${member.name} does not begin where it should`)
  const start = member.header + 30 + view.getUint16(26, true) + view.getUint16(28, true)
  if (start + member.stored > source.size) throw new Error(`its member ${member.name} is cut off`)
  if (member.deflated ? member.size > member.stored * DEFLATE_RATIO + 64 : member.size !== member.stored)
    throw new Error(`its member ${member.name} says ${member.size} bytes, kept in ${member.stored}`)
  return start
}

/**
 * A deflated member in memory.
 *
 * @throws Error where its length or its checksum is wrong
 */
export function inflateMember(source: ByteSource, member: ZipMember): Uint8Array {
  const start = memberStart(source, member)
  const bytes = inflateRawSync(source.read(start, member.stored), {
    chunkSize: Math.max(64, member.size + 1),
    maxOutputLength: Math.max(1, member.size),
  })
  if (bytes.length !== member.size)
    throw new Error(`its member ${member.name} holds ${bytes.length} bytes instead of ${member.size}`)
  assertChecksum(member, crc32(bytes))
  return bytes
}

export function assertChecksum(member: ZipMember, crc: number): void {
  if (crc !== member.crc) throw new Error(`its member ${member.name} does not match its checksum`)
}

function findDirectory(source: ByteSource): { count: number; start: number; size: number } {
  // The end record is 22 bytes and a comment of up to 65,535.
  const tailSize = Math.min(source.size, 22 + 65535)
  const tailStart = source.size - tailSize
  const tail = source.read(tailStart, tailSize)
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  let at = tailSize - 22
  const isEnd = () => view.getUint32(at, true) === END && at + 22 + view.getUint16(at + 20, true) <= tailSize
  while (at >= 0 && !isEnd()) at--
  if (at < 0) throw new Error('it has no directory at its end, so it is cut off')
  if (at >= 20 && view.getUint32(at - 20, true) === END_64_LOCATOR) {
    const record = source.read(Number(view.getBigUint64(at - 12, true)), 56)
    const wide = new DataView(record.buffer, record.byteOffset, 56)
    if (wide.getUint32(0, true) !== END_64) throw new Error('its ZIP64 directory is not where it should be')
    const [count, size, start] = [32, 40, 48].map((field) => Number(wide.getBigUint64(field, true)))
    return { count, size, start }
  }
  return {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    start: view.getUint32(at + 16, true),
  }
}

/** The 64-bit numbers of a ZIP64 extra field, one a call. */
function view64(extra: Uint8Array): () => number {
  const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength)
  let [next, end] = [0, 0]
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue
    next = at + 4
    end = Math.min(extra.length, next + view.getUint16(at + 2, true))
    break
  }
  return () => {
    if (next + 8 > end) throw new Error('its directory lacks a ZIP64 length')
    next += 8
    return Number(view.getBigUint64(next - 8, true))
  }
}
