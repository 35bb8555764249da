/** What `inspect` and `audit` share: how images are read, and where a page goes. */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { ImageReading } from '../../data/inspect/image-facts.js'
import { UsageError } from '../../errors.js'
import { makeFolder, writeFileAtomic } from '../../files.js'
import { describeMachine } from '../machine.js'
import type { Progress } from '../progress.js'
import { bar, duration } from '../progress.js'
import { preprocessingFrom } from './preprocessing-flags.js'

export interface LookingFlags {
  window?: string
  bits?: string
  recipe?: string | undefined
  workers?: string
  rowsOnly?: boolean
  out?: string
  withIds?: boolean
  json?: boolean
}

export function lookingOptions(command: Command): Command {
  return command
    .option('--rows-only', 'look at the table alone; its images need not be there')
    .option('--window <window>', 'of DICOM, NIfTI and arrays: file, full, lung, {center: 40, width: 400} …')
    .option('--bits <n>', 'bits that 16-bit PNG and TIFF files really use')
    .option('--workers <n>', 'threads that read images (default: one a processor)')
    .option('--out <path>', 'also write a page: a .html file, or a folder for page and JSON')
    .option('--with-ids', 'show patient ids')
    .option('--json', 'print the outcome as JSON')
}

/** @throws UsageError for values that cannot be */
export async function readingFrom(
  command: string,
  { window, bits, recipe, workers }: LookingFlags,
): Promise<ImageReading & { workers: number }> {
  const preprocessing = await preprocessingFrom(command, {
    recipe,
    ...(window !== undefined && { window }),
    ...(bits !== undefined && { bits }),
  })
  return {
    window: preprocessing.window,
    bits: preprocessing.bits,
    workers: wholeNumber(command, '--workers', workers) ?? describeMachine().cpu.cores,
  }
}

/** @throws UsageError for what is no whole number from 0 on */
export function wholeNumber(command: string, flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && text.trim() !== '') return value
  throw new UsageError(`${command}: ${flag} ${text}: expected a whole number, 0 or more`)
}

/** Progress of one kind of work after the other. */
export function showProgress(progress: Progress): (what: string, done: number, total: number) => void {
  let [current, started] = ['', 0]
  return (what, done, total) => {
    if (what !== current) [current, started] = [what, performance.now()]
    const seconds = (performance.now() - started) / 1000
    const left = duration((seconds / done) * (total - done))
    progress.update(
      `${what} ${bar(done / total)} ${done}/${total}  ${(done / seconds).toFixed(0)} images/s  ${left} left`,
    )
  }
}

/** Refuses an `--out` that cannot be before anything long has run. Throws `UsageError`. */
export function checkOut(command: string, out: string | undefined): void {
  if (out === undefined) return
  const isFolder = existsSync(out) && statSync(out).isDirectory()
  if (isHtml(out) && isFolder) {
    throw new UsageError(`${command}: --out ${out} is a folder; name a file, or another folder`)
  }
  if (!isHtml(out) && existsSync(out) && !isFolder) {
    throw new UsageError(`${command}: --out ${out}: expected a .html file or a folder`)
  }
}

/**
 * Writes the page to `--out`, into a folder as `<name>.html` beside `<name>.json`.
 *
 * @returns what was written
 */
export async function writeOut(out: string, name: string, page: string, json: unknown): Promise<string[]> {
  if (isHtml(out)) {
    await writeFileAtomic(resolve(out), page)
    return [out]
  }
  makeFolder(out)
  const files = {
    [join(out, `${name}.html`)]: page,
    [join(out, `${name}.json`)]: `${JSON.stringify(json, null, 2)}\n`,
  }
  for (const [file, text] of Object.entries(files)) await writeFileAtomic(file, text)
  return Object.keys(files)
}

function isHtml(out: string): boolean {
  return /\.html?$/i.test(out)
}
