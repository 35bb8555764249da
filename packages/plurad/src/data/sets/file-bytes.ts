import { open, readFile } from 'node:fs/promises'
import { constants, gunzipSync } from 'node:zlib'
import { DataError } from '../../errors.js'

/**
 * A file's content, unpacked where it is gzip.
 *
 * @throws DataError naming the file where it is missing, unreadable or cut off
 */
export async function readUnpacked(file: string): Promise<Buffer> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  if (!isGzip(bytes)) return bytes
  try {
    return gunzipSync(bytes, { chunkSize: unpackedSize(bytes) })
  } catch (error) {
    const why = (error as Error).message
    throw new DataError(`${file}: damaged or cut-off gzip file: ${why}. Copy it again from its source.`, {
      cause: error,
    })
  }
}

/** The first `length` bytes of a file, or fewer; of a gzip file what these unpack to. */
export async function readBeginning(file: string, length: number): Promise<Buffer> {
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0)
    const bytes = buffer.subarray(0, bytesRead)
    return isGzip(bytes) ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes
  } finally {
    await handle.close()
  }
}

/** What the file's last four bytes say (RFC 1952), within bounds: unpacked in one piece, nothing is copied together. */
function unpackedSize(bytes: Buffer): number {
  const said = bytes.length < 18 ? 0 : bytes.readUInt32LE(bytes.length - 4)
  return Math.min(Math.max(said + 1, 1 << 14), 1 << 28)
}

export function unreadable(file: string, error: unknown): DataError {
  const { code, message } = error as NodeJS.ErrnoException
  return new DataError(`${file}: ${code === 'ENOENT' ? 'no such file' : `cannot be read: ${message}`}.`, {
    cause: error,
  })
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}
