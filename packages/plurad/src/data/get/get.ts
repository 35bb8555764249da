/** Fetches a public data set: every file whole, checked, and once. */
import { existsSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checksumMessage, digestOf, wrongChecksum, type Digest } from '../../checksum.js'
import { requireSpace } from '../../disk-space.js'
import { download, NotFoundError, type DownloadOptions } from '../../download.js'
import { DataError, PluradError, UsageError } from '../../errors.js'
import { makeFolder } from '../../files.js'
import { lockFolder } from '../../lock.js'
import { didYouMean } from '../../suggest.js'
import { GetRecord } from './record.js'
import { sources, type Source, type SourceFile } from './sources.js'
import { unpackTarGz, type UnpackedFile } from './tar.js'

export interface GetOptions {
  /** Where the files are under their names, instead of at their publisher: an http address of a folder. */
  mirror?: string | undefined
  /** Of a set in several archives, the first so many. */
  archives?: number | undefined
  /** Leaves archives there after unpacking. */
  keepArchives?: boolean
  signal?: AbortSignal | undefined
  /** A file's turn: `at` of `of`, from 1 on. */
  onFile?: (file: SourceFile, at: number, of: number) => void
  onProgress?: (stage: 'downloading' | 'checking' | 'unpacking', done: number, total: number | null) => void
  onRetry?: (file: SourceFile, reason: string, seconds: number) => void
  /** Milliseconds before a broken transfer is taken up again. */
  retryDelay?: number | undefined
}

export interface GotFile {
  name: string
  /** `there`: nothing had to be done. */
  status: 'fetched' | 'there'
  bytes: number
  sha256: string
  /** Whether a checksum is known that it was compared with, be it from an earlier download. */
  checked: boolean
  /** Files out of an archive. */
  unpacked: number | null
}

/**
 * A data set by its name, letter case ignored.
 *
 * @throws UsageError with the nearest name
 */
export function sourceNamed(name: string): Source {
  const wanted = name.toLowerCase()
  const found = sources.find((source) => source.name === wanted)
  if (found !== undefined) return found
  const names = sources.map((source) => source.name)
  throw new UsageError(
    `There is no data set "${name}".${didYouMean(name, names)} plurad data get --list shows those there are.`,
  )
}

/**
 * Puts a data set into a folder. What is there already is checked and kept, what broke off is continued, so that the
 * same call can be made until it succeeds. Files put there by hand count as fetched.
 *
 * @throws DataError for a file that is not the published one, or not the one of an earlier download; PluradError where
 * download, disk space or archive fail; RunError where another process fetches into the folder; the signal's reason
 */
export async function getDataset(
  source: Source,
  folder: string,
  options: GetOptions = {},
): Promise<GotFile[]> {
  makeFolder(folder)
  const record = await GetRecord.open(folder)
  const unlock = lockFolder(record.folder, 'lock')
  try {
    const files = chosen(source, options.archives)
    await requireRoom(source, files, folder, record)
    const got: GotFile[] = []
    for (const [at, file] of files.entries()) {
      options.onFile?.(file, at + 1, files.length)
      got.push(await getFile(source, file, folder, record, options))
    }
    return got
  } finally {
    unlock()
  }
}

function chosen(source: Source, archives: number | undefined): SourceFile[] {
  const packed = source.files.filter(({ unpack }) => unpack)
  if (archives === undefined) return [...source.files]
  if (packed.length === 0)
    throw new UsageError(`${source.name} comes in one piece: --archives does not apply to it.`)
  const kept = new Set(packed.slice(0, archives))
  return source.files.filter((file) => !file.unpack || kept.has(file))
}

/** All that is still to come, and the largest archive besides: it is there while its files are. */
async function requireRoom(
  { title }: Source,
  files: readonly SourceFile[],
  folder: string,
  record: GetRecord,
): Promise<void> {
  let bytes = 0
  let largest = 0
  for (const file of files) {
    const path = join(folder, file.name)
    if (file.bytes === null || record.get(file.name)?.unpacked === true || existsSync(path)) continue
    const part = await stat(`${path}.part`).catch(() => null)
    bytes += file.bytes - (part?.size ?? 0)
    if (file.unpack) largest = Math.max(largest, file.bytes)
  }
  const advice = `Free some, or choose another --out.${largest > 0 ? ' --archives fetches a part.' : ''}`
  await requireSpace(folder, bytes + largest, title, advice)
}

/** What a file has to be: as published, else as it was when it was fetched before. */
type Known = Pick<DownloadOptions, 'sha256' | 'md5'>

async function getFile(
  source: Source,
  file: SourceFile,
  folder: string,
  record: GetRecord,
  options: GetOptions,
): Promise<GotFile> {
  const path = join(folder, file.name)
  const before = record.get(file.name)
  const known: Known = { sha256: file.sha256 ?? before?.sha256, md5: file.md5 ?? undefined }
  const checked = known.sha256 !== undefined || known.md5 !== undefined
  if (before?.unpacked === true) {
    const unpacked = await record.intactContents(file.name)
    if (unpacked !== null) {
      return {
        name: file.name,
        status: 'there',
        bytes: before.bytes,
        sha256: before.sha256,
        checked,
        unpacked,
      }
    }
  }
  const there = existsSync(path)
  const { sha256 } = there
    ? await checkFile(path, known, options)
    : await fetchFile(source, file, path, known, record, options)
  const { size: bytes } = await stat(path)
  const entry = {
    url: file.url,
    bytes,
    sha256,
    date: before?.date ?? new Date().toISOString(),
    unpacked: false,
  }
  await record.put(file.name, entry)
  const got = { name: file.name, bytes, sha256, checked }
  if (!file.unpack) return { ...got, status: there ? 'there' : 'fetched', unpacked: null }
  const unpacked = await unpackFile(path, bytes, folder, options)
  await record.putContents(file.name, unpacked)
  await record.put(file.name, { ...entry, unpacked: true })
  if (options.keepArchives !== true) await rm(path)
  return { ...got, status: 'fetched', unpacked: unpacked.length }
}

/** Of a file that lies there already. */
async function checkFile(path: string, known: Known, { signal, onProgress }: GetOptions): Promise<Digest> {
  const { size } = await stat(path)
  const digest = await digestOf(path, {
    md5: known.md5 !== undefined,
    signal,
    onProgress: (done) => onProgress?.('checking', done, size),
  })
  const wrong = wrongChecksum(digest, known)
  if (wrong !== null)
    throw new DataError(
      checksumMessage(path, wrong, 'Move it away or delete it, and run the same command again.'),
    )
  return digest
}

async function fetchFile(
  source: Source,
  file: SourceFile,
  path: string,
  known: Known,
  record: GetRecord,
  { mirror, signal, onProgress, onRetry, retryDelay }: GetOptions,
): Promise<Digest> {
  const before = record.get(file.name)
  const byHand = `Or get ${file.name} from ${source.homepage} another way, put it into ${dirname(path)}, and run the same command again.`
  try {
    return await download(addressOf(file, mirror), path, {
      ...known,
      signal,
      retryDelay,
      otherWay: byHand,
      ifWrong:
        before !== undefined && file.sha256 === null && file.md5 === null
          ? `It was another file on ${before.date.slice(0, 10)}. Delete ${record.file} to accept the new one.`
          : 'It is not the published file and was not kept. Try again, or another mirror.',
      onProgress: (done, total) => onProgress?.('downloading', done, total),
      onCheck: (done, total) => onProgress?.('checking', done, total),
      onRetry: (reason, seconds) => onRetry?.(file, reason, seconds),
    })
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    throw new PluradError(`${error.message}. ${byHand}`, { cause: error })
  }
}

function addressOf({ name, url }: SourceFile, mirror: string | undefined): string {
  if (mirror === undefined) return url
  if (!/^https?:\/\/./.test(mirror))
    throw new UsageError(
      `The mirror ${mirror}: expected the address of a folder, such as https://files.example.org/data`,
    )
  return `${mirror.replace(/\/+$/, '')}/${encodeURIComponent(name)}`
}

async function unpackFile(
  path: string,
  bytes: number,
  folder: string,
  { signal, onProgress }: GetOptions,
): Promise<UnpackedFile[]> {
  // An archive's own size is a fair guess of what the images in it need.
  await requireSpace(folder, bytes, 'unpacking', 'Free some, and run the same command again.')
  return unpackTarGz(path, folder, { signal, onProgress: (read) => onProgress?.('unpacking', read, bytes) })
}
