import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { RunError } from './errors.js'

/**
 * Writes a file so that at every moment, also through a power cut, there is either the whole old one or the whole
 * new one: temporary file in the same folder, fsync, rename, fsync of the folder. The temporary file is removed
 * on failure.
 *
 * @throws RunError saying which file, what happened and that the old file is whole
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`)
  try {
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(data)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw new RunError(`${path} could not be written: ${whyNotWritten(error)}. ${STILL_WHOLE}`, {
      cause: error,
    })
  }
  await syncFolder(folder)
}

const STILL_WHOLE = 'If there was such a file before, it is whole and unchanged.'

/** Makes a rename last through a power cut. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {
    // Windows and some network file systems cannot; the file itself is written and synced by now.
  }
}

/**
 * Makes a folder and those above it.
 *
 * @throws RunError saying which folder and why not
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new RunError(`The folder ${folder} cannot be made: ${whyNotWritten(reasonFor(folder, error))}.`, {
      cause: error,
    })
  }
}

/** Making several folders at once gives ENOENT for whatever hinders the first, such as a read-only disk. */
function reasonFor(folder: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error
  let first = resolve(folder)
  while (!existsSync(dirname(first))) first = dirname(first)
  try {
    mkdirSync(first)
    return error
  } catch (reason) {
    return reason
  }
}

/** What a failed write means and what to do, for people; the system's own message where the code is an unusual one. */
export function whyNotWritten(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOSPC':
      return 'the disk is full (ENOSPC); free some space and run it again'
    case 'EDQUOT':
      return 'your disk quota is used up (EDQUOT); free some space and run it again'
    case 'EROFS':
      return 'the file system is read-only (EROFS); choose another folder'
    case 'EACCES':
    case 'EPERM':
      return `you may not write there (${code}); change the permissions or choose another folder`
    case 'ENOENT':
    case 'ENOTDIR':
      return `its folder does not exist (${code})`
    case 'EISDIR':
    case 'ENOTEMPTY':
    case 'EEXIST':
      return `a folder of that name is in the way (${code})`
    case 'EFBIG':
      return 'it is larger than the file system or a limit allows (EFBIG)'
    default:
      return code === undefined ? message : `${message} (${code})`
  }
}
