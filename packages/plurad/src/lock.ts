/** A lock file: a folder that one process at a time may write to. */
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { RunError } from './errors.js'
import { whyNotWritten } from './files.js'

/**
 * Takes a folder for this process. A lock whose process is gone is taken over.
 *
 * @param name of the lock file
 * @returns lets the folder go
 * @throws RunError where another process has it or the folder cannot be written to
 */
export function lockFolder(folder: string, name: string): () => void {
  const file = join(folder, name)
  const found = readText(file)
  const owner = ownerOf(found)
  // A restarted container often gives the same number again, so the own one is nobody else's.
  if (owner !== null && (owner.host !== hostname() || (owner.pid !== process.pid && isAlive(owner.pid)))) {
    throw new RunError(
      `${folder} is being written to by another process (${owner.pid} on ${owner.host}). Wait for it, stop it, or ` +
        `choose another folder with --out. If that process is gone or is not plurad, delete ${file}.`,
    )
  }
  const own = `${process.pid} ${hostname()} ${randomUUID()}\n`
  let mine = false
  try {
    mine = (found === null || removeStale(file, found)) && writeExclusive(file, own)
  } catch (error) {
    throw new RunError(`${folder} cannot be written to: ${whyNotWritten(error)}.`, { cause: error })
  }
  if (!mine) {
    throw new RunError(`${folder} has just been taken by another process. Choose another folder with --out.`)
  }
  return () => {
    if (readText(file) === own) rmSync(file, { force: true })
  }
}

/** A name in the folder of a file that passes for something half-written. */
const besides = (file: string): string => join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`)

/**
 * Takes a leftover away; gives whether it was still that: of several processes that find it, one moves it aside, and whoever
 * comes later may find the new lock in its place.
 */
function removeStale(file: string, stale: string): boolean {
  const aside = besides(file)
  try {
    renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
  const still = readText(aside) === stale
  if (!still) linkOr(aside, file, () => undefined)
  rmSync(aside, { force: true })
  return still
}

/**
 * Writes a file of which only one process can be the maker; gives whether it was this one. It is there with its whole content
 * or not at all: one that was seen empty would pass for a leftover.
 */
function writeExclusive(file: string, content: string): boolean {
  const whole = besides(file)
  try {
    writeFileSync(whole, content, { flag: 'wx' })
    // File systems without links, such as those of memory cards, have the file made in place.
    linkOr(whole, file, () => writeFileSync(file, content, { flag: 'wx' }))
    return true
  } catch (error) {
    // The one who was faster may have cleared away what lay half-written.
    if (existsSync(file)) return false
    throw error
  } finally {
    rmSync(whole, { force: true })
  }
}

function linkOr(from: string, to: string, otherwise: () => void): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if (existsSync(to)) throw error
    otherwise()
  }
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function ownerOf(text: string | null): { pid: number; host: string } | null {
  const match = /^(\d+) (\S+) /.exec(text ?? '')
  return match ? { pid: Number(match[1]), host: match[2] } : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
