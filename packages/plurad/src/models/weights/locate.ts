/**
 * From what a recipe says of weights to a file on this machine: a path, an address, `hf:owner/name[/file][@revision]`, or the
 * name of a known checkpoint. What is fetched is kept in the user's cache and checked.
 */
import { createHash } from 'node:crypto'
import { existsSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join, posix } from 'node:path'
import { digestOf } from '../../checksum.js'
import { download, NotFoundError, type DownloadOptions } from '../../download.js'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import { knownCheckpoint, knownCheckpoints, type KnownCheckpoint } from './sources.js'

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

/** Files that a hub's model is looked for in, the first that there is. */
const HUB_FILES = ['model.safetensors', 'pytorch_model.bin']

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
  const address = known?.url ?? reference
  if (address.startsWith('hf:')) return { file: await fromHub(address, known, options), known }
  if (/^https?:\/\//.test(address)) {
    const url = mirrored(address, env)
    const target = join(weightsCache(env), cacheName(address))
    return { file: await fetched(url, target, known, options), known }
  }
  const ids = knownCheckpoints.map(({ id }) => id)
  // A run keeps absolute paths; the folders before a misspelt name say nothing of what was meant.
  const meant = reference.split(/[\\/]/).slice(-2).join('/')
  throw new DataError(
    `There is no file ${reference} and no known checkpoint of that name.${didYouMean(meant, ids)} ` +
      'Weights are a file, an address (https://…), hf:owner/name, or a name that `plurad models` lists.',
  )
}

/** `$XDG_CACHE_HOME/plurad/weights`, else `~/.cache/plurad/weights`. */
export function weightsCache(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'plurad', 'weights')
}

async function fromHub(
  address: string,
  known: KnownCheckpoint | null,
  options: LocateOptions,
): Promise<string> {
  const { env = process.env } = options
  const match = /^hf:([\w.-]+\/[\w.-]+)(?:\/([^@]+))?(?:@(.+))?$/.exec(address)
  if (match === null || match[2]?.split('/').includes('..')) {
    throw new DataError(
      `${address}: expected hf:owner/name, hf:owner/name/file, or one of them with @revision at its end`,
    )
  }
  const [, repository, file, revision = 'main'] = match as unknown as [string, string, string?, string?]
  const endpoint = (env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '')
  const files = file === undefined ? HUB_FILES : [file]
  const place = (name: string): string =>
    join(weightsCache(env), 'hf', repository, encodeURIComponent(revision), ...name.split('/'))
  const there = files.find((name) => existsSync(place(name)))
  if (there !== undefined) return checked(place(there), known, options)
  for (const name of files) {
    const url = `${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${name}`
    try {
      return await fetched(url, place(name), known, options)
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
    }
  }
  throw new DataError(
    `${repository} has no ${files.join(' and no ')} at ${endpoint} (revision ${revision}). Name its file: ` +
      `hf:${repository}/<file>.`,
  )
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
  known: KnownCheckpoint | null,
  options: LocateOptions,
): Promise<string> {
  if (existsSync(target)) return checked(target, known, options)
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
  return checked(target, known, options)
}

/** Refuses and removes a file whose checksum is not the published one. */
async function checked(
  file: string,
  known: KnownCheckpoint | null,
  { signal }: LocateOptions,
): Promise<string> {
  const expected = known?.sha256 ?? null
  if (expected === null) return file
  const { sha256 } = await digestOf(file, { signal })
  if (sha256.startsWith(expected)) return file
  rmSync(file, { force: true })
  throw new DataError(
    `${file} has the SHA-256 ${sha256}, expected was one that begins with ${expected}: it is not ${known?.id ?? ''} or is ` +
      'damaged, and has been removed. Run the same command again to fetch it anew.',
  )
}
