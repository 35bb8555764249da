import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { checksumMessage, digestOf, wrongChecksum, type Digest, type WrongChecksum } from './checksum.js'
import { requireSpace } from './disk-space.js'
import { PluradError } from './errors.js'
import { whyNotWritten } from './files.js'
import { version } from './version.js'

/** The server does not have the file. */
export class NotFoundError extends PluradError {
  override name = 'NotFoundError'
}

export interface DownloadOptions {
  /** Lower-case hexadecimal; checked once everything is there. */
  sha256?: string | undefined
  md5?: string | undefined
  /** Bytes that have arrived, and bytes in all where the server says so. */
  onProgress?: ((received: number, total: number | null) => void) | undefined
  /** Bytes of the whole that its checksum has been computed over. */
  onCheck?: ((done: number, total: number) => void) | undefined
  /** Told why a connection broke and after how many seconds it is taken up again. */
  onRetry?: ((reason: string, seconds: number) => void) | undefined
  /** Attempts after the first one, counted anew whenever something has arrived. Default 5. */
  retries?: number
  /** Milliseconds without a byte after which a connection counts as broken. Default 60,000. */
  idleTimeout?: number
  /** Milliseconds before the first new attempt; doubled with each. Default 1,000. */
  retryDelay?: number | undefined
  /** Stops it: what has arrived is kept. */
  signal?: AbortSignal | undefined
  /** What to do where it cannot be had: ends the message of a transfer that fails. */
  otherWay?: string
  /** What to do about a wrong checksum: ends the message of one. */
  ifWrong?: string
}

/** What is noted beside a partial file, so that only the same file is continued. */
interface Partial {
  url: string
  validator: string | null
  /** Bytes of the whole, where the server said so. */
  total: number | null
}

const LONGEST_DELAY = 60_000

/**
 * Downloads a file. What has arrived stays beside the target as `<target>.part` when the connection breaks or the
 * program ends, and the next attempt or call asks for the rest (HTTP Range, guarded by If-Range). A server that
 * gives nothing to guard it by is asked for the rest only where a checksum will tell, and for all of it again where
 * that is wrong.
 *
 * @throws NotFoundError where the server answers 404; PluradError after the last attempt, where the disk is full, or
 *   where size or checksum are not as announced; the signal's reason where it was stopped
 */
export async function download(
  url: string,
  target: string,
  options: DownloadOptions = {},
): Promise<Digest & { bytes: number }> {
  const part = `${target}.part`
  await mkdir(dirname(target), { recursive: true })
  const continued = await transfer(url, part, options)
  let digest = await check(part, options)
  if (digest.wrong !== null && continued) {
    await removePart(part)
    await transfer(url, part, options)
    digest = await check(part, options)
  }
  const { wrong, ...rest } = digest
  if (wrong !== null) {
    await removePart(part)
    throw new PluradError(checksumMessage(url, wrong, options.ifWrong))
  }
  const bytes = await sizeOf(part)
  await rename(part, target)
  await rm(`${part}.json`, { force: true })
  return { ...rest, bytes }
}

async function check(
  part: string,
  options: DownloadOptions,
): Promise<Digest & { wrong: WrongChecksum | null }> {
  const { md5, signal, onCheck } = options
  const total = await sizeOf(part)
  const onProgress = onCheck && ((done: number) => onCheck(done, total))
  const digest = await digestOf(part, { md5: md5 !== undefined, signal, onProgress })
  return { ...digest, wrong: wrongChecksum(digest, options) }
}

/** Requests until the file is whole. True where a part of it comes from an earlier request. */
async function transfer(url: string, part: string, options: DownloadOptions): Promise<boolean> {
  const { retries = 5, retryDelay = 1000, signal } = options
  let furthest = await sizeOf(part)
  let continued = false
  for (let failures = 0; ;) {
    try {
      return (await receive(url, part, options)) || continued
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof PluradError) throw error
      const held = await sizeOf(part)
      if (held > furthest) failures = 0
      furthest = Math.max(furthest, held)
      continued ||= held > 0
      if (failures >= retries) throw gaveUp(url, part, error, options.otherWay)
      const delay = Math.min(askedToWait(error) ?? retryDelay * 2 ** failures, LONGEST_DELAY)
      failures++
      options.onRetry?.(reason(error), delay / 1000)
      await sleep(delay, undefined, { signal }).catch(() => signal?.throwIfAborted())
    }
  }
}

function gaveUp(url: string, part: string, error: unknown, otherWay = ''): PluradError {
  return new PluradError(
    `${url} could not be downloaded: ${reason(error)}. What has arrived is kept in ${part}; run the same command ` +
      `again to go on from there.${otherWay === '' ? '' : ` ${otherWay}`}`,
    { cause: error },
  )
}

/** One request: the rest of a partial file, or all of it. True where it was the rest. */
async function receive(url: string, part: string, options: DownloadOptions): Promise<boolean> {
  const known = await readPartial(part)
  const checked = options.sha256 !== undefined || options.md5 !== undefined
  const held = known?.url === url && (known.validator !== null || checked) ? await sizeOf(part) : 0
  if (held > 0 && held === known?.total) return true

  const idle = new AbortController()
  const limit = options.idleTimeout ?? 60_000
  const stalled = () => idle.abort(new Error(`no data for ${limit / 1000} s`))
  let timer = setTimeout(stalled, limit)
  try {
    const signal = options.signal ? AbortSignal.any([options.signal, idle.signal]) : idle.signal
    const response = await fetch(url, { headers: headersFor(held, known?.validator ?? null), signal })
    if (response.status === 416) {
      if (response.headers.get('content-range') === `bytes */${held}`) return true
      await removePart(part)
      throw new Error('the partial file does not fit, starting again')
    }
    if (response.status === 404) throw new NotFoundError(`${url} does not exist on the server (404)`)
    if (!response.ok || !response.body) refuse(url, response)
    refuseWebPage(url, response, options.otherWay)
    const resumed = response.status === 206
    if (resumed && !continues(response, held, known?.total ?? null)) {
      await removePart(part)
      throw new Error('the server sent another range than asked for')
    }

    const start = resumed ? held : 0
    const total = restOf(response, start)
    if (total !== null) {
      await requireSpace(
        dirname(part),
        total - start,
        'the rest of the download',
        'Free some, and run it again.',
      )
    }
    if (!resumed) await writePartial(part, { url, validator: validatorOf(response), total })
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
    return resumed
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && /^(ENOSPC|EDQUOT|EROFS|EACCES|EPERM|EFBIG|EISDIR)$/.test(code))
      throw new PluradError(`${part} could not be written: ${whyNotWritten(error)}.`, { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Bytes of the whole file; null where the server does not say, or says it of something compressed. */
function restOf({ headers }: Response, start: number): number | null {
  const length = headers.get('content-length')
  return length === null || (headers.get('content-encoding') ?? 'identity') !== 'identity'
    ? null
    : start + Number(length)
}

function headersFor(held: number, validator: string | null): Record<string, string> {
  return {
    'accept-encoding': 'identity',
    'user-agent': `plurad/${version}`,
    ...(held > 0 && { range: `bytes=${held}-` }),
    ...(held > 0 && validator !== null && { 'if-range': validator }),
  }
}

/** Whether a 206 begins where the partial file ends, and is of a file as long as that one. */
function continues(response: Response, held: number, total: number | null): boolean {
  const [, start, whole] =
    /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? []
  return (
    Number(start) === held &&
    (total === null || whole === undefined || whole === '*' || Number(whole) === total)
  )
}

/** A refusal is final, except where the server is only busy. */
function refuse(url: string, { status, statusText, headers }: Response): never {
  const message = `${url}: the server answered ${status}${statusText === '' ? '' : ` ${statusText}`}`
  if (status < 500 && status !== 429 && status !== 408) throw new PluradError(message)
  throw new BusyError(message, headers.get('retry-after'))
}

/** The server asks to be left alone for a while. */
class BusyError extends Error {
  /** Milliseconds; null where it does not say. */
  readonly wait: number | null

  constructor(message: string, retryAfter: string | null) {
    super(message)
    const seconds = retryAfter === null ? NaN : Number(retryAfter)
    this.wait = seconds >= 0 ? seconds * 1000 : null
  }
}

function askedToWait(error: unknown): number | null {
  return error instanceof BusyError ? error.wait : null
}

/** A login page, a hospital's proxy, a link that has expired: they answer 200 with a page for people. */
function refuseWebPage(url: string, response: Response, otherWay = ''): void {
  const type = response.headers.get('content-type') ?? ''
  if (!type.startsWith('text/html') || /^\.html?$/i.test(extname(new URL(url).pathname))) return
  throw new PluradError(
    `${url}: the server sent a web page instead of the file: a link that has expired, or a network that wants you to ` +
      `log in.${otherWay === '' ? ' Open the address in a browser to see it.' : ` ${otherWay}`}`,
  )
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

async function removePart(part: string): Promise<void> {
  await rm(part, { force: true })
  await rm(`${part}.json`, { force: true })
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
