import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PluradError } from '../errors.js'

/** The server does not have the file. */
export class NotFoundError extends PluradError {
  override name = 'NotFoundError'
}

export interface DownloadOptions {
  /** Lower-case hexadecimal; checked once everything is there. */
  sha256?: string | undefined
  /** Bytes that have arrived, and bytes in all where the server says so. */
  onProgress?: (received: number, total: number | null) => void
  /** Attempts after the first one that a broken connection is answered with. Default 5. */
  retries?: number
  /** Milliseconds without a byte after which a connection counts as broken. Default 60,000. */
  idleTimeout?: number
  /** Milliseconds before the first new attempt; doubled with each. Default 1,000. */
  retryDelay?: number
}

/** What is noted beside a partial file, so that only the same file is continued. */
interface Partial {
  url: string
  validator: string | null
}

/**
 * Downloads a file. What has arrived stays beside the target as `<target>.part` when the connection breaks or the
 * program ends, and the next attempt or call asks for the rest (HTTP Range, guarded by If-Range).
 *
 * @returns the SHA-256 of the file
 * @throws NotFoundError where the server answers 404; PluradError after the last attempt, or where size or SHA-256
 *   are not as announced
 */
export async function download(url: string, target: string, options: DownloadOptions = {}): Promise<string> {
  const { retries = 5, retryDelay = 1000 } = options
  const part = `${target}.part`
  await mkdir(dirname(target), { recursive: true })
  for (let attempt = 0; ; attempt++) {
    try {
      await receive(url, part, options)
      break
    } catch (error) {
      if (error instanceof PluradError) throw error
      if (attempt >= retries) {
        throw new PluradError(
          `${url} could not be downloaded: ${reason(error)}. What has arrived is kept in ${part}; ` +
            'run the same command again to go on from there. ' +
            'Behind a proxy, download the file another way and give it with --from FILE.',
          { cause: error },
        )
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelay * 2 ** attempt))
    }
  }
  const actual = await sha256OfFile(part)
  if (options.sha256 !== undefined && actual !== options.sha256) {
    await rm(part, { force: true })
    await rm(`${part}.json`, { force: true })
    throw new PluradError(checksumMessage(url, actual, options.sha256))
  }
  await rename(part, target)
  await rm(`${part}.json`, { force: true })
  return actual
}

/** Says that a file is not the announced one. */
export function checksumMessage(source: string, actual: string, expected: string): string {
  return (
    `${source} has the SHA-256 ${actual}, expected was ${expected}. It was not unpacked. ` +
    'Check the expected value, then try again or take another source with --from.'
  )
}

/** SHA-256 of a file in lower-case hexadecimal. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** One request: the rest of a partial file, or all of it. */
async function receive(url: string, part: string, options: DownloadOptions): Promise<void> {
  const known = await readPartial(part)
  const held = known?.url === url && known.validator !== null ? await sizeOf(part) : 0
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (held > 0 && known?.validator) {
    headers['range'] = `bytes=${held}-`
    headers['if-range'] = known.validator
  }

  const idle = new AbortController()
  const limit = options.idleTimeout ?? 60_000
  const stalled = () => idle.abort(new Error(`no data for ${limit / 1000} s`))
  let timer = setTimeout(stalled, limit)
  try {
    const response = await fetch(url, { headers, signal: idle.signal })
    if (response.status === 416) {
      await rm(part, { force: true })
      throw new Error('the partial file does not fit, starting again')
    }
    if (response.status === 404) throw new NotFoundError(`${url} does not exist on the server (404)`)
    if (!response.ok || !response.body) refuse(url, response)
    const resumed = response.status === 206
    if (resumed && !response.headers.get('content-range')?.startsWith(`bytes ${held}-`)) {
      await rm(part, { force: true })
      throw new Error('the server sent another range than asked for')
    }

    const start = resumed ? held : 0
    const length = response.headers.get('content-length')
    const total = length === null ? null : start + Number(length)
    if (!resumed) await writePartial(part, { url, validator: validatorOf(response) })
    let received = start
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(timer)
        timer = setTimeout(stalled, limit)
        received += chunk.length
        options.onProgress?.(received, total)
        done(null, chunk)
      },
    })
    await pipeline(
      Readable.fromWeb(response.body),
      count,
      createWriteStream(part, { flags: resumed ? 'a' : 'w' }),
    )
    if (total !== null && received !== total) throw new Error(`${received} of ${total} bytes arrived`)
  } finally {
    clearTimeout(timer)
  }
}

/** A refusal is final, except where the server is only busy. */
function refuse(url: string, { status, statusText }: Response): never {
  const message = `${url}: the server answered ${status} ${statusText}`
  throw status >= 500 || status === 429 ? new Error(message) : new PluradError(message)
}

/** A weak ETag does not promise equal bytes, so it cannot guard a range. */
function validatorOf(response: Response): string | null {
  const etag = response.headers.get('etag')
  return etag && !etag.startsWith('W/') ? etag : response.headers.get('last-modified')
}

async function readPartial(part: string): Promise<Partial | null> {
  try {
    return JSON.parse(await readFile(`${part}.json`, 'utf8')) as Partial
  } catch {
    return null
  }
}

async function writePartial(part: string, partial: Partial): Promise<void> {
  await writeFile(`${part}.json`, JSON.stringify(partial))
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message
}
