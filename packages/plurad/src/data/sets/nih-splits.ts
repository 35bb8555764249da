/** The two public splits of NIH ChestX-ray14, which must never be mixed. */
import { readdir } from 'node:fs/promises'
import { DataError } from '../../errors.js'
import type { Split } from '../dataset.js'
import { unreadable } from './file-bytes.js'
import { readSplitLists } from './split-lists.js'
import { listed } from './table.js'

export const nihSplits = ['auto', 'official', 'chexnet', 'none'] as const

export type NihSplit = (typeof nihSplits)[number]

/** The split of an image; null where there are lists of all splits and it stands in none. */
type SplitOf = (image: string) => Split | undefined | null

/** Of a list's possible names, the one that lies in the folder. */
function present(names: ReadonlySet<string>, candidates: readonly string[]): string | undefined {
  return candidates.flatMap((name) => [name, `${name}.gz`]).find((name) => names.has(name))
}

interface ListsThere {
  official: { train?: string | undefined; test?: string | undefined }
  chexnet: Partial<Record<Split, string>>
}

/**
 * `test_list.txt` is NIH's own, except beside `train_list.txt` and `val_list.txt`: copies of CheXNet's lists have that
 * name too.
 */
function listsIn(entries: readonly string[]): ListsThere {
  const names = new Set(entries)
  const trainVal = present(names, [
    'train_val_list.txt',
    'train_val_list_NIH.txt',
    'nih_official_train_val_list.txt',
  ])
  const train = present(names, ['chexnet_train_list.txt', 'train_list.txt'])
  const val = present(names, ['chexnet_val_list.txt', 'val_list.txt'])
  const plainTest = present(names, ['test_list.txt'])
  const testIsChexnet = trainVal === undefined && train !== undefined && val !== undefined
  return {
    official: {
      train: trainVal,
      test:
        present(names, ['test_list_NIH.txt', 'nih_official_test_list.txt']) ??
        (testIsChexnet ? undefined : plainTest),
    },
    chexnet: {
      train,
      val,
      test: present(names, ['chexnet_test_list.txt']) ?? (testIsChexnet ? plainTest : undefined),
    },
  }
}

/**
 * @param folder where the lists lie
 * @param choice `auto` takes the lists that are there
 * @throws DataError where both splits' lists are there and none was chosen, and for chosen ones that are missing
 */
export async function nihSplit(folder: string, choice: NihSplit): Promise<SplitOf> {
  if (choice === 'none') return () => undefined
  const entries = await readdir(folder).catch((error: unknown) => {
    throw unreadable(folder, error)
  })
  const { official, chexnet } = listsIn(entries)
  const hasOfficial = official.test !== undefined || official.train !== undefined
  const hasChexnet = splitsOf(chexnet).length === 3
  if (choice === 'auto') {
    if (hasOfficial && hasChexnet) {
      throw new DataError(
        `${folder}: holds NIH's official lists (${listed(filesOf(official))}) and CheXNet's (${listed(filesOf(chexnet))}). ` +
          'They must not be mixed: 17,920 images of the official test list are in the CheXNet train list. Choose by ' +
          'the setting split: official or chexnet.',
      )
    }
    if (!hasOfficial && !hasChexnet) return () => undefined
  }
  if (choice === 'chexnet' || (choice === 'auto' && hasChexnet)) {
    if (!hasChexnet)
      throw notThere(folder, 'chexnet_train_list.txt, chexnet_val_list.txt and chexnet_test_list.txt')
    const lists = await readSplitLists(folder, chexnet)
    return (image) => lists.get(image) ?? null
  }
  if (!hasOfficial) throw notThere(folder, 'test_list.txt and train_val_list.txt')
  const lists = await readSplitLists(folder, official)
  if (official.train === undefined) return (image) => lists.get(image) ?? 'train'
  if (official.test === undefined) return (image) => lists.get(image)
  return (image) => lists.get(image) ?? null
}

function splitsOf(lists: Partial<Record<Split, string>>): string[] {
  return Object.keys(lists).filter((split) => lists[split as Split] !== undefined)
}

function filesOf(lists: Partial<Record<Split, string>>): string[] {
  return Object.values(lists).filter((file) => file !== undefined)
}

function notThere(folder: string, expected: string): DataError {
  return new DataError(
    `${folder}: the lists of the split that was chosen are missing. Expected ${expected} (also with .gz); put them ` +
      'there, or name their folder by the setting lists.',
  )
}
