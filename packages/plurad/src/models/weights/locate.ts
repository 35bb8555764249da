/**
 * From what a recipe says of weights to a file on this machine: a path, an address, `hf:owner/name[/file][@revision]`, or the
 * name of a known checkpoint; all but a path may end in `#sha256=` and a checksum. What is fetched is kept in the user's cache
 * and checked.
 */
import { createHash } from 'node:crypto'
import { existsSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join, posix } from 'node:path'
import { digestOf } from '../../checksum.js'
import { download, NotFoundError, type DownloadOptions } from '../../download.js'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import {
  checksumInName,
  HUB_FILES,
  knownCheckpoint,
  knownCheckpoints,
  splitReference,
  type KnownCheckpoint,
} from './sources.js'

export interface Located {
  file: string
  /** What is known of it; null for a file that nobody described. */
  known: KnownCheckpoint | null
}

export interface LocateOptions {
  env?: NodeJS.ProcessEnv
  signal?: AbortSignal | undefined
  onNote?: (text: string) => void
  onProgress?: DownloadOptions['onProgress']
  retries?: number
  retryDelay?: number
}

/** What a file has to be. */
interface Expected {
  /** What its SHA-256 begins with. */
  sha256: string
  /** What a file with another one is not. */
  what: string
  /** What to do beside fetching it anew, where there is something. */
  otherWay: string
}

/**
 * @throws DataError where there is no such file or name, or the file is not the announced one; PluradError where it cannot
 *   be downloaded, with the address and the place to put it by hand
 */
export async function locateWeights(reference: string, options: LocateOptions = {}): Promise<Located> {
  const { env = process.env } = options
  const known = knownCheckpoint(reference)
  if (known === null && existsSync(reference)) {
    if (statSync(reference).isDirectory())
      throw new DataError(`The weights ${reference} are a folder. Name the file within it.`)
    return { file: reference, known: null }
  }
  const address = known?.url ?? splitReference(reference).address
  if (address.startsWith('hf:'))
    return { file: await fromHub(address, expectedOf(reference, address, known), options), known }
  if (/^https?:\/\//.test(address)) {
    if (!URL.canParse(address)) throw new DataError(`${address} is no address: expected https://host/file.`)
    const target = join(weightsCache(env), cacheName(address))
    const expected = expectedOf(reference, address, known)
    return { file: await fetched(mirrored(address, env), target, expected, options), known }
  }
  const ids = knownCheckpoints.map(({ id }) => id)
  // A run keeps absolute paths; the folders before a misspelt name say nothing of what was meant.
  const meant = reference.split(/[\\/]/).slice(-2).join('/')
  throw new DataError(
    `There is no file ${reference} and no known checkpoint of that name.${didYouMean(meant, ids)} ` +
      'Weights are a file, an address (https://…), hf:owner/name, or a name that `plurad models` lists.',
  )
}

/**
 * The first of these files that a hub has at `hf:owner/name[/folder][@revision]`; null where it has none. What is in the cache
 * is taken before the hub is asked, so that what was fetched once is found without a connection.
 *
 * @throws DataError where the place is written otherwise; PluradError where the hub cannot be reached
 */
export async function locateOnHub(
  place: string,
  names: readonly string[],
  options: LocateOptions = {},
): Promise<string | null> {
  if (splitReference(place).fragment !== null) {
    throw new DataError(
      `${place}: a checksum is one file's, and this names several (${names.join(', ')} …). Leave out what follows #; ` +
        'hf:owner/name@<commit> holds them all.',
    )
  }
  const { repository, path, revision } = hubPlace(place)
  const files = path === null ? names : names.map((name) => `${path}/${name}`)
  return firstOnHub({ repository, revision }, files, [], options)
}

/** `$XDG_CACHE_HOME/plurad/weights`, else `~/.cache/plurad/weights`. */
export function weightsCache(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'plurad', 'weights')
}

/** What the publisher says of a file, and what the reference does after `#`; the latter knows better than a name. */
function expectedOf(reference: string, address: string, known: KnownCheckpoint | null): Expected[] {
  const expected: Expected[] = []
  if (known !== null && known.sha256 !== null)
    expected.push({ sha256: known.sha256, what: known.id, otherWay: '' })
  const { fragment } = splitReference(reference)
  const named = checksumInName(address)
  if (fragment !== null) {
    const stated = /^sha256=([0-9a-f]{8,64})$/i.exec(fragment)?.[1].toLowerCase()
    if (stated === undefined) {
      throw new DataError(
        `${reference}: '${fragment}' after # is no checksum. Expected is #sha256= and the SHA-256 of the file, 64 ` +
          'hexadecimal digits or at least the first 8 of them, as sha256sum prints it.',
      )
    }
    expected.push({ sha256: stated, what: 'the file that is meant', otherWay: ', or correct what follows #' })
  } else if (known === null && named !== null) {
    const otherWay = `, or state its checksum where the name is wrong: ${address}#sha256=…`
    expected.push({ sha256: named, what: 'the file that its name says', otherWay })
  }
  return expected
}

interface HubPlace {
  repository: string
  /** A file or folder within it; null for the whole. */
  path: string | null
  revision: string
}

function hubPlace(address: string): HubPlace {
  const match = /^hf:([\w.-]+\/[\w.-]+)(?:\/([^@]+))?(?:@(.+))?$/.exec(address)
  if (match === null || match[2]?.split('/').includes('..')) {
    throw new DataError(
      `${address}: expected hf:owner/name, hf:owner/name/file, or one of them with @revision at its end`,
    )
  }
  const [, repository, path = null, revision = 'main'] = match as unknown as [
    string,
    string,
    string?,
    string?,
  ]
  return { repository, path, revision }
}

async function fromHub(
  address: string,
  expected: readonly Expected[],
  options: LocateOptions,
): Promise<string> {
  const { repository, path, revision } = hubPlace(address)
  const files = path === null ? HUB_FILES : [path]
  const found = await firstOnHub({ repository, revision }, files, expected, options)
  if (found !== null) return found
  throw new DataError(
    `${repository} has no ${files.join(' and no ')} at ${endpointOf(options)} (revision ${revision}). Name its file: ` +
      `hf:${repository}/<file>.`,
  )
}

async function firstOnHub(
  { repository, revision }: Pick<HubPlace, 'repository' | 'revision'>,
  files: readonly string[],
  expected: readonly Expected[],
  options: LocateOptions,
): Promise<string | null> {
  const { env = process.env } = options
  const outside = files.find((name) => name.split('/').includes('..'))
  if (outside !== undefined) throw new DataError(`${outside} lies outside of hf:${repository}.`)
  const place = (name: string): string =>
    join(weightsCache(env), 'hf', repository, encodeURIComponent(revision), ...name.split('/'))
  const there = files.find((name) => existsSync(place(name)))
  if (there !== undefined) return checked(place(there), expected, options)
  for (const name of files) {
    const url = `${endpointOf(options)}/${repository}/resolve/${encodeURIComponent(revision)}/${name}`
    try {
      return await fetched(url, place(name), expected, options)
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
    }
  }
  return null
}

function endpointOf({ env = process.env }: LocateOptions): string {
  return (env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '')
}

/** The same file name under `PLURAD_WEIGHTS_MIRROR`, for networks that do not reach the internet. */
function mirrored(url: string, env: NodeJS.ProcessEnv): string {
  const mirror = env['PLURAD_WEIGHTS_MIRROR']
  if (!mirror) return url
  return `${mirror.replace(/\/+$/, '')}/${posix.basename(new URL(url).pathname)}`
}

/** The file's own name; one of an unknown address gets the address's hash before it, since names repeat. */
function cacheName(url: string): string {
  const name = basename(decodeURIComponent(new URL(url).pathname)).replace(/[^\w.-]/g, '_') || 'weights'
  if (knownCheckpoints.some((entry) => entry.url === url)) return name
  return `${createHash('sha256').update(url).digest('hex').slice(0, 12)}-${name}`
}

async function fetched(
  url: string,
  target: string,
  expected: readonly Expected[],
  options: LocateOptions,
): Promise<string> {
  if (existsSync(target)) return checked(target, expected, options)
  options.onNote?.(`Downloading ${url}`)
  await download(url, target, {
    signal: options.signal,
    onProgress: options.onProgress,
    onRetry: (reason, seconds) => options.onNote?.(`  ${reason}; again in ${seconds} s`),
    ...(options.retries !== undefined && { retries: options.retries }),
    ...(options.retryDelay !== undefined && { retryDelay: options.retryDelay }),
    otherWay:
      `Without a connection: get ${url} on another machine and put it at ${target}, set model.weights to the file, or set ` +
      'PLURAD_WEIGHTS_MIRROR (files) or HF_ENDPOINT (hf:) to a server that has it.',
  })
  return checked(target, expected, options)
}

/** Refuses and removes a file of another checksum. */
async function checked(
  file: string,
  expected: readonly Expected[],
  { signal }: LocateOptions,
): Promise<string> {
  if (expected.length === 0) return file
  const { sha256 } = await digestOf(file, { signal })
  const other = expected.find((one) => !sha256.startsWith(one.sha256))
  if (other === undefined) return file
  rmSync(file, { force: true })
  throw new DataError(
    `${file} has the SHA-256 ${sha256}, expected was one that begins with ${other.sha256}: it is not ${other.what} or is ` +
      `damaged, and has been removed. Run the same command again to fetch it anew${other.otherWay}.`,
  )
}
