import { join } from 'node:path'
import { DataError } from '../../errors.js'
import { splits } from '../split.js'
import type { Split } from '../dataset.js'
import { readUnpacked } from './file-bytes.js'

/** Which split each image of some lists belongs to. */
export type SplitLists = ReadonlyMap<string, Split>

/**
 * Lists of images, one a line (what follows the first space is not read), plain or gzipped.
 *
 * @param files by split, from `folder`
 * @throws DataError for an image that stands in two of them
 */
export async function readSplitLists(
  folder: string,
  files: Partial<Record<Split, string>>,
): Promise<SplitLists> {
  const found = new Map<string, Split>()
  for (const split of splits) {
    const file = files[split]
    if (file === undefined) continue
    let shared = 0
    let example = ''
    for (const image of await readList(join(folder, file))) {
      const before = found.get(image)
      found.set(image, split)
      if (before === undefined || before === split) continue
      shared++
      example ||= `${image} in ${files[before] ?? ''} and in ${file}`
    }
    if (shared > 0) {
      throw new DataError(
        `${folder}: ${shared} images stand in two lists, such as ${example}: these lists are not of one split. Keep ` +
          'the lists of one split in a folder of their own, and name it by the setting lists.',
      )
    }
  }
  return found
}

async function readList(file: string): Promise<string[]> {
  const lines = (await readUnpacked(file)).toString('utf8').split(/\r?\n|\r/)
  return lines.map((line) => line.trim().split(/\s/, 1)[0]).filter((image) => image !== '')
}
