/** A lock file: a folder that one process at a time may write to. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
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
  const owner = readOwner(file)
  // A restarted container often gives the same number again, so the own one is nobody else's.
  if (owner !== null && (owner.host !== hostname() || (owner.pid !== process.pid && isAlive(owner.pid)))) {
    throw new RunError(
      `${folder} is being written to by another process (${owner.pid} on ${owner.host}). Wait for it, stop it, or ` +
        `choose another folder with --out. If that process is gone or is not plurad, delete ${file}.`,
    )
  }
  const own = `${process.pid} ${hostname()} ${randomUUID()}\n`
  try {
    if (owner !== null || existsSync(file)) rmSync(file, { force: true })
    // Exclusive, so that of two processes that start at the same moment one is refused.
    writeFileSync(file, own, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new RunError(
        `${folder} has just been taken by another process. Choose another folder with --out.`,
      )
    }
    throw new RunError(`${folder} cannot be written to: ${whyNotWritten(error)}.`, { cause: error })
  }
  return () => {
    if (readText(file) === own) rmSync(file, { force: true })
  }
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function readOwner(file: string): { pid: number; host: string } | null {
  const match = /^(\d+) (\S+) /.exec(readText(file) ?? '')
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
