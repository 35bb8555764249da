/** Splits made elsewhere, or saved earlier: a table with a split or fold column, or a folder of lists. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DataError, RecipeError } from '../errors.js'
import type { Dataset, Split } from './dataset.js'
import { readUnpacked } from './sets/file-bytes.js'
import { columnIndex, listed, readTable, TABLE_NAME, type Table } from './sets/table.js'
import { splitIn } from './split-file.js'
import { splitDataset, splitOfFold, type Fold, type SplitFractions } from './split.js'

export interface GivenSplitOptions {
  /** Of a file with a fold column: which one this is about, from 1 on. */
  fold?: number | null
  /** Of what the file leaves open: where it has no `val` or no `test`, that is carved from its `train`. */
  fractions?: SplitFractions
  seed?: number
  /** Names that the data set does not have are let pass: it is a part of what the file was made for. */
  subset?: boolean
}

export interface GivenSplit {
  /** One split a sample, in the order of `dataset.samples`. */
  assignment: Split[]
  /** Names in the file that the data set does not have. */
  unknown: number
}

/** A name in a split file, and what is said of it. */
interface Entry<Part> {
  name: string
  part: Part
  /** For messages, such as `test.txt, line 7`. */
  place: string
}

/**
 * The split that a file or folder gives a data set, whatever the data set says itself. It takes
 * - a table with the columns `image` and `split` (a run's `split.csv`) or `fold` (`plurad data split --folds`),
 * - a folder with a list a split, one image a line: `train.txt`, `val.txt`, `test.txt` or names like NIH's
 *   `train_val_list.txt` and `test_list.txt`, also gzipped. A list of train and val together is divided by `fractions`.
 *
 * Names are looked for as they stand, then without the folders before them.
 *
 * @throws DataError naming the images: in no list, in two, or (unless `subset`) unknown
 * @throws RecipeError where a fold is asked of a file without folds, or none of a file with folds
 */
export async function readGivenSplit(
  path: string,
  dataset: Pick<Dataset, 'labels' | 'samples' | 'skipped'>,
  options: GivenSplitOptions = {},
): Promise<GivenSplit> {
  const { fold = null, subset = false } = options
  const given = (await isFolder(path)) ? await readLists(path, fold) : await readSplitTable(path, fold)
  if (given.folds !== undefined) {
    const { parts, unknown } = matchEntries(path, dataset, given.folds, subset)
    return { assignment: splitOfFold(parts, fold ?? 0), unknown }
  }
  const { parts, unknown } = matchEntries(path, dataset, given.splits, subset)
  const samples = dataset.samples.map((sample, row) => ({ ...sample, split: parts[row] }))
  return { assignment: splitDataset({ labels: dataset.labels, samples }, options), unknown }
}

type Given = { splits: Entry<Split>[]; folds?: undefined } | { folds: Entry<Fold>[] }

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    throw new DataError(
      `${path}: no such file or folder. Expected a split.csv, or a folder with train.txt, val.txt and test.txt.`,
      { cause: error },
    )
  }
}

async function readSplitTable(path: string, fold: number | null): Promise<Given> {
  if (!TABLE_NAME.test(path)) {
    throw new DataError(
      `${path}: expected a table with the columns image and split (or fold), or a folder of lists such as train.txt.`,
    )
  }
  const table = await readTable(path)
  const image = columnIndex(table, 'image')
  const entries = <Part>(partOf: (row: number) => Part): Entry<Part>[] =>
    table.rows.map((cells, row) => ({
      name: cells[image],
      part: partOf(row),
      place: `row ${table.rowNumbers[row]}`,
    }))
  const hasFolds = table.columns.includes('fold')
  if (fold !== null && !hasFolds)
    throw new RecipeError(`${path} has no fold column, so that there is no fold ${fold} in it.`)
  if (fold !== null || (hasFolds && !table.columns.includes('split'))) {
    const column = columnIndex(table, 'fold')
    const folds = entries((row) => foldIn(table, row, column))
    if (fold !== null) return { folds }
    const count = Math.max(...folds.map(({ part }) => part ?? 0))
    throw new RecipeError(
      `${path} holds ${count} folds: say which with --fold (data.split.fold), 1 to ${count}.`,
    )
  }
  const column = columnIndex(table, 'split')
  return { splits: entries((row) => splitIn(table, row, column)) }
}

function foldIn(table: Table, row: number, column: number): Fold {
  const cell = table.rows[row][column]
  if (cell === 'test') return null
  if (/^[1-9]\d{0,3}$/.test(cell)) return Number(cell)
  throw new DataError(
    `${table.file}, row ${table.rowNumbers[row]}, column "fold": "${cell}". Expected a number from 1 on, or test.`,
  )
}

const LIST_NAME = /\.(txt|lst)(\.gz)?$/i

async function readLists(folder: string, fold: number | null): Promise<Given> {
  if (fold !== null)
    throw new RecipeError(
      `${folder} holds lists, so that there is no fold ${fold} in it. Give a file with folds.`,
    )
  const files = new Map<Split, string>()
  for (const name of (await readdir(folder)).sort()) {
    const split = splitNamed(name)
    if (split === null) continue
    const before = files.get(split)
    if (before !== undefined) {
      throw new DataError(
        `${folder}: "${before}" and "${name}" are both lists for ${split}. Put those to use into a folder of their own.`,
      )
    }
    files.set(split, name)
  }
  if (files.size === 0)
    throw new DataError(
      `${folder}: no list such as train.txt, val.txt, test.txt or train_val_list.txt in it.`,
    )
  const entries: Entry<Split>[] = []
  for (const [part, name] of files) {
    const lines = (await readUnpacked(join(folder, name))).toString('utf8').split(/\r\n|[\r\n]/)
    lines.forEach((line, index) => {
      if (line.trim() !== '') entries.push({ name: line.trim(), part, place: `${name}, line ${index + 1}` })
    })
  }
  return { splits: entries }
}

/** `train_val_list.txt` is a list of train, of which val is still to be carved. */
function splitNamed(file: string): Split | null {
  if (!LIST_NAME.test(file)) return null
  const words = file
    .replace(LIST_NAME, '')
    .toLowerCase()
    .split(/[^a-z]+/)
  const has = (...names: string[]) => names.some((name) => words.includes(name))
  if (has('train', 'training', 'trainval')) return 'train'
  if (has('val', 'valid', 'validation', 'dev')) return 'val'
  return has('test', 'testing') ? 'test' : null
}

function matchEntries<Part>(
  path: string,
  { samples, skipped }: Pick<Dataset, 'samples' | 'skipped'>,
  entries: readonly Entry<Part>[],
  subset: boolean,
): { parts: Part[]; unknown: number } {
  const find = finder(samples.map(({ image }) => image))
  const isSkipped = finder(skipped.map(({ image }) => image))
  const found = new Map<number, Entry<Part>>()
  const unknown: Entry<Part>[] = []
  const twice: string[] = []
  for (const entry of entries) {
    const row = find(entry.name)
    if (row === undefined) {
      if (isSkipped(entry.name) === undefined) unknown.push(entry)
      continue
    }
    const before = found.get(row)
    if (before !== undefined && before.part !== entry.part)
      twice.push(`"${samples[row]?.image}" (${before.place} and ${entry.place})`)
    found.set(row, entry)
  }
  if (twice.length > 0) {
    throw new DataError(
      `${path}: ${twice.length} images are in two places, such as ${twice.slice(0, 3).join(', ')}. ` +
        'Remove each from one of them.',
    )
  }
  const missing = samples.filter((_, row) => !found.has(row)).map(({ image }) => image)
  if (missing.length > 0) {
    throw new DataError(
      `${path}: ${missing.length} of the data set's ${samples.length} images are not in it, such as ` +
        `${listed(missing.slice(0, 3))}. Was it made for another data set? ` +
        (unknown.length > 0
          ? `It names ${listed(unknown.slice(0, 3).map(({ name }) => name))}, for example. `
          : '') +
        'Add them, or leave their rows out of the table.',
    )
  }
  if (unknown.length > 0 && !subset) {
    const first = unknown.slice(0, 3).map(({ name, place }) => `"${name}" (${place})`)
    throw new DataError(
      `${path}: ${unknown.length} of its ${entries.length} names are not in the data set, such as ${first.join(', ')}. ` +
        'Correct them, or pass --subset where the data set is only a part of what the file was made for.',
    )
  }
  return { parts: samples.map((_, row) => (found.get(row) as Entry<Part>).part), unknown: unknown.length }
}

/** Looks a name up as it stands, as the first word of a line with more on it, then by the file's name alone. */
function finder(images: readonly string[]): (name: string) => number | undefined {
  const rows = new Map(images.map((image, row) => [image, row]))
  const byFile = new Map<string, number | null>()
  images.forEach((image, row) => {
    const file = basename(image)
    byFile.set(file, byFile.has(file) ? null : row)
  })
  const exactly = (name: string) =>
    rows.get(name) ?? byFile.get(basename(name.replaceAll('\\', '/'))) ?? undefined
  return (name) => exactly(name) ?? exactly(name.split(/[\s,;]/)[0])
}
