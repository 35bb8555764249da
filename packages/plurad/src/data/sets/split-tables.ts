/** Data sets with a table, and as a rule a folder of images, for each of their splits, as challenges hand them out. */
import { readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Dataset, Split } from '../dataset.js'
import { splits } from '../split.js'
import type { OpenOptions, Place } from './adapter.js'
import { assembleDataset, fingerprint, type Row } from './assemble.js'
import { ImageFolder } from './folder.js'
import { TABLE_NAME, type Table } from './table.js'

/** How files and folders of a split are called: `train_images`, `RFMiD_Validation_Labels.csv`, `Evaluation_Set`. */
const WORDS: Readonly<Record<Split, RegExp>> = {
  train: /train(ing)?(?![a-z])|^train/i,
  val: /(?<![a-z])(val(id(ation)?)?|evaluation|dev)(?![a-z])/i,
  test: /(?<![a-z])test(ing)?(?![a-z])/i,
}

/** `Test_Set/Test_Set/Test` lies three folders deep. */
const DEPTH = 3

/** The split that a file's or folder's name speaks of; null for none or several, as `train_val`. */
function splitInName(name: string): Split | null {
  const found = splits.filter((split) => WORDS[split].test(name))
  return found.length === 1 ? found[0] : null
}

/** Folders of a split, from the outer to the inner ones, relative to `folder`. */
function foldersOf(split: Split, folder: string, depth = DEPTH): string[] {
  if (depth === 0) return []
  return entries(folder)
    .filter((entry) => entry.isFolder && splitInName(entry.name) === split)
    .flatMap(({ name }) => [
      name,
      ...foldersOf(split, join(folder, name), depth - 1).map((inner) => join(name, inner)),
    ])
}

/** Tables of each split in a folder and in its folders of splits, relative to it; those without rows of labels too. */
export function tablesBySplit({ folder, names }: Pick<Place, 'folder' | 'names'>): Map<Split, string[]> {
  const found = new Map<Split, string[]>()
  const add = (split: Split, path: string) => found.set(split, [...(found.get(split) ?? []), path])
  for (const name of names.filter(isTable)) {
    const split = splitInName(name)
    if (split !== null) add(split, name)
  }
  for (const split of splits) {
    for (const inner of foldersOf(split, folder)) {
      for (const { name } of entries(join(folder, inner)).filter((entry) => isTable(entry.name)))
        add(split, join(inner, name))
    }
  }
  return found
}

export interface SplitTable {
  /** Null for a table that stands for itself. */
  split: Split | null
  table: Table
}

export interface SplitTables {
  tables: readonly SplitTable[]
  /** The column with the images' names. */
  imageColumn: string
  labels: readonly string[]
  rowOf: (table: Table, row: number) => Omit<Row, 'split' | 'path'>
}

/**
 * Rows of all tables as one data set. The same name may stand for another image in each split: references begin with
 * the split, as `train/17`.
 *
 * @throws DataError as `assembleDataset`
 */
export function assembleSplitTables(
  { name, folder }: Pick<Place, 'name' | 'folder'>,
  { tables, imageColumn, labels, rowOf }: SplitTables,
  options: OpenOptions,
): Dataset {
  const parts = tables.map(({ split, table }) => {
    const locate = imageFinder(folder, split, options)
    const rows = Array.from({ length: table.length }, (_, index): Row => {
      const { image, ...row } = rowOf(table, index)
      if (image === '' || split === null) return { ...row, image, path: locate(image) }
      return { ...row, image: `${split}/${image}`, path: locate(image), split }
    })
    return assembleDataset({ name, folder, table, imageColumn, labels, rows }, options)
  })
  const samples = parts.flatMap((part) => part.samples)
  return {
    name,
    labels,
    samples,
    skipped: parts.flatMap((part) => part.skipped),
    fingerprint: fingerprint(labels, samples),
  }
}

/** Looks in the folders of a split; where it has none, in the data set's usual places. */
function imageFinder(
  folder: string,
  split: Split | null,
  { images, requireImages = true }: OpenOptions,
): (image: string) => string | null {
  const root = images === undefined ? folder : resolve(images)
  if (!requireImages) return (image) => join(root, image)
  const own = split === null ? [] : foldersOf(split, root)
  const withImages = own.flatMap((inner) => [join(root, inner), join(root, inner, 'images')])
  const finder = own.length > 0 ? new ImageFolder(withImages) : ImageFolder.around(root)
  return (image) => finder.locate(image)
}

function isTable(name: string): boolean {
  return TABLE_NAME.test(name) && !/^[.~]/.test(basename(name))
}

function entries(folder: string): { name: string; isFolder: boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() || entry.isSymbolicLink() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return []
  }
}
