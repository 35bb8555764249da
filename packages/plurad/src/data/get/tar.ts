import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { DataError } from '../../errors.js'
import { whyNotWritten } from '../../files.js'

/** A regular file of an archive. */
export interface UnpackedFile {
  /** From the folder that was unpacked into, with `/`. */
  path: string
  bytes: number
}

export interface UnpackOptions {
  /** Bytes of the archive that have been read. */
  onProgress?: ((read: number) => void) | undefined
  signal?: AbortSignal | undefined
}

const BLOCK = 512

/**
 * Unpacks the regular files of a `.tar.gz` (ustar, GNU and pax long names), each whole or not at all. Files of the
 * same name are replaced; modes, owners and times are not taken over.
 *
 * @throws DataError for a damaged or cut-off archive, a link or a device in it, a path that leads out of the folder,
 * and where a file cannot be written; what had been unpacked stays
 */
export async function unpackTarGz(
  archive: string,
  folder: string,
  { onProgress, signal }: UnpackOptions = {},
): Promise<UnpackedFile[]> {
  const packed = createReadStream(archive, { highWaterMark: 1 << 20, signal })
  let read = 0
  packed.on('data', (chunk) => onProgress?.((read += chunk.length)))
  const unpacked = createGunzip()
  packed.on('error', (error) => unpacked.destroy(error))
  packed.pipe(unpacked)
  try {
    return await unpackTar(new Bytes(unpacked), folder)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof DataError) throw new DataError(`${archive}: ${error.message}`, { cause: error })
    const { code, message } = error as NodeJS.ErrnoException
    if (code?.startsWith('Z_') === true)
      throw new DataError(
        `${archive}: damaged or cut-off gzip file: ${message}. Delete it and get it again.`,
        {
          cause: error,
        },
      )
    throw new DataError(`${archive} could not be unpacked into ${folder}: ${whyNotWritten(error)}.`, {
      cause: error,
    })
  } finally {
    packed.destroy()
    unpacked.destroy()
  }
}

async function unpackTar(bytes: Bytes, folder: string): Promise<UnpackedFile[]> {
  const files: UnpackedFile[] = []
  const made = new Set<string>()
  // Of the next entry alone.
  let longName: string | null = null
  let pax: Record<string, string> = {}
  for (;;) {
    const header = await bytes.take(BLOCK)
    // Two blocks of zeros end an archive; some writers leave one or both out.
    if (header === null || header.every((byte) => byte === 0)) return files
    checkHeader(header)
    const kind = String.fromCharCode(header[156])
    const size = pax['size'] === undefined ? numberAt(header, 124, 12) : Number(pax['size'])
    if (kind === 'L' || kind === 'x') {
      const text = (await bytes.exactly(size, 'a header')).toString('utf8')
      if (kind === 'L') longName = text.replace(/\0.*$/s, '')
      else pax = paxRecords(text)
    } else if (kind === 'g' || kind === 'K' || kind === '5') {
      await bytes.skip(size)
      if (kind === '5') [longName, pax] = [null, {}]
    } else {
      const name = pax['path'] ?? longName ?? nameIn(header)
      ;[longName, pax] = [null, {}]
      if (kind !== '0' && kind !== '\0' && kind !== '7')
        throw new DataError(
          `"${name}" is a link or a device (type "${kind}"), which data sets have no need of.`,
        )
      const path = safePath(name)
      const parent = dirname(join(folder, path))
      if (!made.has(parent)) await mkdir(parent, { recursive: true })
      made.add(parent)
      await writeEntry(bytes, size, join(folder, path), name)
      files.push({ path, bytes: size })
    }
    await bytes.skip((BLOCK - (size % BLOCK)) % BLOCK)
  }
}

async function writeEntry(bytes: Bytes, size: number, target: string, name: string): Promise<void> {
  const temporary = `${target}.unpacking`
  const handle = await open(temporary, 'w')
  try {
    try {
      for (let left = size; left > 0;) {
        const piece = await bytes.some(left, `"${name}"`)
        await handle.write(piece)
        left -= piece.length
      }
    } finally {
      await handle.close()
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** The sum of a header's bytes stands in it, itself counted as spaces. */
function checkHeader(header: Buffer): void {
  const field = /^ *([0-7]+)/.exec(header.toString('latin1', 148, 156))
  let sum = 8 * 32
  header.forEach((byte, at) => (sum += at >= 148 && at < 156 ? 0 : byte))
  if (field === null || Number.parseInt(field[1], 8) !== sum)
    throw new DataError(
      'not a tar archive, or damaged: a header does not add up. Delete it and get it again.',
    )
}

/** Octal digits, or for large files a binary number (GNU: the first bit is set). */
function numberAt(header: Buffer, offset: number, length: number): number {
  if (header[offset] & 0x80) {
    let value = header[offset] & 0x7f
    for (let at = offset + 1; at < offset + length; at++) value = value * 256 + header[at]
    if (!Number.isSafeInteger(value)) throw new DataError('damaged: a file of an impossible size.')
    return value
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(header.toString('latin1', offset, offset + length))
  if (digits === null) throw new DataError('damaged: a header holds a size that is no number.')
  return digits[1] === '' ? 0 : Number.parseInt(digits[1], 8)
}

function nameIn(header: Buffer): string {
  const text = (from: number, to: number) => header.toString('utf8', from, to).replace(/\0.*$/s, '')
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? text(345, 500) : ''
  return prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`
}

/** `28 path=some/long/name\n` …: the number counts the bytes of its record. */
function paxRecords(text: string): Record<string, string> {
  const records: Record<string, string> = {}
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    const space = rest.indexOf(0x20)
    const length = Number(rest.toString('latin1', 0, Math.max(space, 0)))
    const record = rest.toString('utf8', space + 1, length - 1)
    const equals = record.indexOf('=')
    if (!(length > space && length <= rest.length) || equals < 1)
      throw new DataError('damaged: an extended header cannot be read. Delete it and get it again.')
    records[record.slice(0, equals)] = record.slice(equals + 1)
    rest = rest.subarray(length)
  }
  return records
}

/** @throws DataError for a path that leads, or on some system might lead, out of the folder */
function safePath(name: string): string {
  const parts = name.split('/').filter((part) => part !== '.' && part !== '')
  const leadsOut = name.startsWith('/') || /[\\:\0]/.test(name) || parts.length === 0 || parts.includes('..')
  if (leadsOut) throw new DataError(`"${name}" is no path within the folder. Nothing more was unpacked.`)
  return parts.join('/')
}

/** A stream in the portions that its reader asks for. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  /** At most `count` bytes, at least one. */
  async some(count: number, of: string): Promise<Buffer> {
    if (!(await this.#fill())) throw new DataError(`cut off within ${of}. Delete it and get it again.`)
    const piece = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }

  async exactly(count: number, of: string): Promise<Buffer> {
    if (count > 1 << 20) throw new DataError('damaged: a header of more than a megabyte.')
    const pieces: Buffer[] = []
    for (let left = count; left > 0; left -= pieces.at(-1)?.length ?? 0)
      pieces.push(await this.some(left, of))
    return Buffer.concat(pieces)
  }

  /** Null at the end. */
  async take(count: number): Promise<Buffer | null> {
    return (await this.#fill()) ? this.exactly(count, 'a header') : null
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) left -= (await this.some(left, 'padding')).length
  }

  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done === true) return false
      this.#rest = next.value
    }
    return true
  }
}
