import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** Lower-case hexadecimal. */
export interface Digest {
  sha256: string
  /** Only where it was asked for: MD5 is what many archives publish, and nothing else is it good for. */
  md5: string | null
}

export interface DigestOptions {
  md5?: boolean
  /** Bytes that were read. */
  onProgress?: ((done: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** A checksum that is not as announced. */
export interface WrongChecksum {
  kind: 'SHA-256' | 'MD5'
  actual: string
  expected: string
}

/** Says that a file is not the announced one. */
export function checksumMessage(
  source: string,
  { kind, actual, expected }: WrongChecksum,
  advice = 'Try again.',
): string {
  return `${source} has the ${kind} ${actual}, expected was ${expected}. ${advice}`
}

/** Which of the checksums that are known a file does not have; null where it has them all. */
export function wrongChecksum(
  digest: Digest,
  expected: { sha256?: string | undefined; md5?: string | undefined },
): WrongChecksum | null {
  const { sha256, md5 } = expected
  if (sha256 !== undefined && digest.sha256 !== sha256)
    return { kind: 'SHA-256', actual: digest.sha256, expected: sha256 }
  if (md5 !== undefined && digest.md5 !== null && digest.md5 !== md5)
    return { kind: 'MD5', actual: digest.md5, expected: md5 }
  return null
}

/** SHA-256 of a file, and MD5 where asked for, in one pass. */
export async function digestOf(file: string, options: DigestOptions = {}): Promise<Digest> {
  const sha256Hash = createHash('sha256')
  const md5Hash = options.md5 ? createHash('md5') : null
  let done = 0
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, signal: options.signal })) {
    sha256Hash.update(chunk as Buffer)
    md5Hash?.update(chunk as Buffer)
    done += (chunk as Buffer).length
    options.onProgress?.(done)
  }
  return { sha256: sha256Hash.digest('hex'), md5: md5Hash?.digest('hex') ?? null }
}
