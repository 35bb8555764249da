import { statfs } from 'node:fs/promises'
import { PluradError } from './errors.js'

/**
 * Refuses to begin what the disk has no room for.
 *
 * @param folder any that exists on the disk
 * @param purpose what the room is needed for, such as `unpacking`
 * @param advice what to do, a sentence
 * @throws PluradError with both numbers
 */
export async function requireSpace(
  folder: string,
  bytes: number,
  purpose: string,
  advice: string,
): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= bytes) return
  throw new PluradError(
    `${folder} has ${formatBytes(bavail * bsize)} free, ${purpose} needs about ${formatBytes(bytes)}. ${advice}`,
  )
}

/** 4120 -> `4.1 kB`, 88e6 -> `88 MB`, 3.89e9 -> `3.9 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length)
  const value = bytes / 1000 ** power
  // 999,999 is a megabyte, not 1000 kB.
  if (Number(value.toFixed(value < 10 ? 1 : 0)) >= 1000 && power < units.length)
    return `1.0 ${units[power] ?? ''}`
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[power - 1] ?? ''}`
}
