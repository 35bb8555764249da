import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { constants, crc32, createInflateRaw, inflateRawSync } from 'node:zlib'
import { memorySource, sectionOf, type ByteSource } from '../byte-source.js'
import { startsWith } from '../format.js'
import { readNpyHeader, type NpyHeader } from './npy.js'
import { assertChecksum, inflateMember, memberStart, zipMembers, type ZipMember } from './zip.js'

const SUFFIX = '.npy'

/** Enough of a deflated array for its header, which is 128 bytes of text as a rule. */
const HEADER_DEFLATED = 4096

/** Whether a file that begins like this is NPZ: a ZIP file whose first member is an NPY file. */
export function isNpz(head: Uint8Array): boolean {
  if (!startsWith(head, [0x50, 0x4b, 3, 4]) || head.length < 30) return false
  const name = head.subarray(30, 30 + head[26] + 256 * head[27])
  return Buffer.from(name).toString('latin1').endsWith(SUFFIX)
}

/** The arrays of an NPZ file. */
export function npzMembers(source: ByteSource): ZipMember[] {
  return zipMembers(source).filter(({ name }) => name.endsWith(SUFFIX))
}

/** As NumPy calls it. */
export function arrayName({ name }: ZipMember): string {
  return name.slice(0, -SUFFIX.length)
}

/** An array as an NPY file of its own; a deflated one is inflated in memory. */
export function memberSource(source: ByteSource, member: ZipMember): ByteSource {
  if (member.deflated) return memorySource(inflateMember(source, member))
  return sectionOf(source, memberStart(source, member), member.size)
}

/** Its header alone. */
export function memberHeader(source: ByteSource, member: ZipMember): NpyHeader {
  const start = memberStart(source, member)
  if (!member.deflated) return readNpyHeader(sectionOf(source, start, member.size))
  const beginning = inflateRawSync(source.read(start, Math.min(HEADER_DEFLATED, member.stored)), {
    finishFlush: constants.Z_SYNC_FLUSH,
  })
  return readNpyHeader(memorySource(beginning))
}

/**
 * Writes a deflated member, inflated, to a file of its own.
 *
 * @throws Error where its length or its checksum is wrong
 */
export async function extractMember(
  path: string,
  source: ByteSource,
  member: ZipMember,
  to: string,
): Promise<void> {
  const start = memberStart(source, member)
  const name = member.name
  async function* checked(chunks: AsyncIterable<Buffer>) {
    let [length, crc] = [0, 0]
    for await (const chunk of chunks) {
      length += chunk.length
      if (length > member.size) break
      crc = crc32(chunk, crc)
      yield chunk
    }
    if (length !== member.size)
      throw new Error(
        `its member ${name} holds ${length > member.size ? 'more' : length} bytes instead of ${member.size}`,
      )
    assertChecksum(member, crc)
  }
  await pipeline(
    createReadStream(path, { start, end: start + Math.max(0, member.stored - 1), highWaterMark: 2 ** 18 }),
    createInflateRaw({ chunkSize: 2 ** 18 }),
    checked,
    createWriteStream(to, { flags: 'wx' }),
  )
}
