import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { UnsupportedError } from './format.js'

/** Copies that nobody has read for this long are removed. */
const KEPT_MS = 30 * 24 * 3600 * 1000
/** A copy's time is set anew when it is read, but no more often than this. */
const TOUCH_MS = 24 * 3600 * 1000
/** How often a process that makes a copy says that it is at it, and after what silence others do it themselves. */
const HEARTBEAT_MS = 2000
const SILENCE_MS = 20_000
const POLL_MS = 50

/** Where things are kept that can be made again: `$XDG_CACHE_HOME/plurad/arrays`, else `~/.cache/plurad/arrays`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'plurad', 'arrays')
}

/**
 * The name under which something made from a file is kept: from the file's path, from its size and time, so that a
 * changed file has a new name, and from what it is.
 */
export function cacheName(path: string, what: string): string {
  const { size, mtimeNs } = statSync(path, { bigint: true })
  return [resolve(path), `${size} ${mtimeNs}`, what].map(hash).join('-')
}

/**
 * A file of the cache, made once however many threads and processes ask for it at the same time. It appears whole or
 * not at all.
 *
 * @param name from `cacheName`
 * @param size its bytes; a file of another size is made again
 * @param write makes it at the path that is given
 * @returns its path
 * @throws UnsupportedError saying what to do where it cannot be written; what `write` throws
 */
export async function cachedFile(
  name: string,
  size: number,
  write: (path: string) => Promise<void>,
): Promise<string> {
  const folder = cacheFolder()
  const path = join(folder, name)
  const lock = `${path}.lock`
  const silence = new Silence()
  for (;;) {
    if (isUsable(path, size)) return path
    const release = await takeLock(folder, lock)
    if (release === null) {
      // Another one is at it. Nothing breaks if it is not dead after all: then both make the same file.
      if (await silence.tooLong(lock)) await rm(lock, { force: true })
      await delay(POLL_MS)
      continue
    }
    const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
    try {
      // It can have come between the look and the lock.
      if (isUsable(path, size)) return path
      await removeOld(folder, name)
      await assertRoom(folder, size)
      await write(temporary)
      await syncToDisk(temporary)
      await rename(temporary, path)
      return path
    } catch (error) {
      await rm(temporary, { force: true })
      throw explained(error, folder)
    } finally {
      await release()
    }
  }
}

/**
 * A small value of the cache; where there is no cache, it is worked out each time.
 *
 * @param name from `cacheName`
 */
export function cachedJson<T>(name: string, isValid: (value: unknown) => value is T, make: () => T): T {
  const path = join(cacheFolder(), name)
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (isValid(value)) return value
  } catch {
    // Not there yet, or not readable: it is made below.
  }
  const value = make()
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    mkdirSync(cacheFolder(), { recursive: true })
    writeFileSync(temporary, JSON.stringify(value))
    renameSync(temporary, path)
  } catch {
    // It only saves time.
    rmSync(temporary, { force: true })
  }
  return value
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Blocking: it is asked for each image, and a thread that reads images has nothing else to do. */
function isUsable(path: string, size: number): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found?.size !== size) return false
    const now = Date.now()
    if (now - found.mtimeMs > TOUCH_MS) utimesSync(path, now / 1000, now / 1000)
    return true
  } catch {
    // Whatever it is, making the copy says what.
    return false
  }
}

/** @returns what gives it back; null where another one holds it */
async function takeLock(folder: string, lock: string): Promise<(() => Promise<void>) | null> {
  try {
    await mkdir(folder, { recursive: true })
    await (await open(lock, 'wx')).close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null
    throw explained(error, folder)
  }
  const heartbeat = setInterval(() => {
    const now = Date.now() / 1000
    utimes(lock, now, now).catch(() => undefined)
  }, HEARTBEAT_MS)
  return async () => {
    clearInterval(heartbeat)
    await rm(lock, { force: true })
  }
}

/** Whether a lock's time has stood still for too long, by this process's clock alone: disks can have another. */
class Silence {
  #seen = -1
  #since = 0

  async tooLong(lock: string): Promise<boolean> {
    const time = await stat(lock).then(
      ({ mtimeMs }) => mtimeMs,
      () => -1,
    )
    const now = performance.now()
    if (time === this.#seen) return time >= 0 && now - this.#since > SILENCE_MS
    this.#seen = time
    this.#since = now
    return false
  }
}

/** Removes what was made of an earlier state of the same file, what was left half made, and what nobody uses. */
async function removeOld(folder: string, name: string): Promise<void> {
  const [file, state] = name.split('-')
  for (const other of await readdir(folder)) {
    const [otherFile, otherState] = other.split('-')
    const outdated = otherFile === file && otherState !== state
    const path = join(folder, other)
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    const abandoned = other.endsWith('.tmp') && age > SILENCE_MS
    if (outdated || abandoned || age > KEPT_MS) await rm(path, { force: true }).catch(() => undefined)
  }
}

async function assertRoom(folder: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (size > bavail * bsize) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
}

async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What the system says against the folder, with what to do; other errors as they are. */
function explained(error: unknown, folder: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined || !/^(ENOSPC|EDQUOT|EROFS|EACCES|EPERM|ENOTDIR|ENOENT)$/.test(code)) return error
  return new UnsupportedError(
    `a copy for quick reading could not be kept in ${folder}: ${message}. Free some space, set XDG_CACHE_HOME to ` +
      'a folder on another disk, or save the arrays without compression (numpy.savez)',
    { cause: error },
  )
}
