import { join } from 'node:path'
import { csvFormatRows } from 'd3-dsv'
import { DataError } from '../errors.js'
import { makeFolder, writeFileAtomic } from '../files.js'
import type { Dataset, Split } from './dataset.js'
import { columnIndex, readTable, type Table } from './sets/table.js'
import { splits, type Fold } from './split.js'

type LabelledRows = Pick<Dataset, 'labels' | 'samples'>

/**
 * Writes `split.csv`: `image,patient,split,<label>…`, labels 1, 0 or blank.
 *
 * @throws RunError where the file cannot be written; an old one is left whole
 */
export async function writeSplit(
  path: string,
  dataset: LabelledRows,
  assignment: readonly Split[],
): Promise<void> {
  await writeParts(path, dataset, 'split', assignment)
}

/**
 * Writes folds: `image,patient,fold,<label>…`, the fold from 1 on, or `test` for what the data set itself tests on.
 *
 * @throws RunError where the file cannot be written; an old one is left whole
 */
export async function writeFolds(path: string, dataset: LabelledRows, folds: readonly Fold[]): Promise<void> {
  const parts = folds.map((fold) => (fold === null ? 'test' : String(fold)))
  await writeParts(path, dataset, 'fold', parts)
}

async function writeParts(
  path: string,
  dataset: LabelledRows,
  column: string,
  parts: readonly string[],
): Promise<void> {
  const rows = dataset.samples.map(({ image, patient, labels }, index) => [
    image,
    patient ?? '',
    parts[index],
    ...labels.map((value) => (value === null ? '' : String(value))),
  ])
  await writeFileAtomic(
    path,
    `${csvFormatRows([['image', 'patient', column, ...dataset.labels], ...rows])}\n`,
  )
}

/**
 * Writes `train.txt`, `val.txt` and `test.txt`, one image a line, as other programs take them.
 *
 * @throws RunError where a file cannot be written
 */
export async function writeLists(
  folder: string,
  dataset: Pick<Dataset, 'samples'>,
  assignment: readonly Split[],
): Promise<void> {
  makeFolder(folder)
  for (const split of splits) {
    const images = dataset.samples.filter((_, row) => assignment[row] === split).map(({ image }) => image)
    await writeFileAtomic(join(folder, `${split}.txt`), images.map((image) => `${image}\n`).join(''))
  }
}

/**
 * The split that a run's `split.csv` gives the images of a data set. Further images in the file are of no matter:
 * their files may have gone since.
 *
 * @returns one split a sample, in the order of `dataset.samples`
 * @throws DataError where the file lacks a column or an image of the data set, or has a value other than train, val
 * and test
 */
export async function readSplit(path: string, dataset: Pick<Dataset, 'samples'>): Promise<Split[]> {
  const table = await readTable(path)
  const image = columnIndex(table, 'image')
  const split = columnIndex(table, 'split')
  const known = new Map<string, Split>()
  table.rows.forEach((row, index) => known.set(row[image], splitIn(table, index, split)))
  const missing = dataset.samples.filter((sample) => !known.has(sample.image))
  if (missing.length > 0) {
    throw new DataError(
      `${path}: ${missing.length} of the data set's ${dataset.samples.length} images are not in it, such as ` +
        `"${missing[0]?.image}". Was it written for another data set? Delete it to split anew.`,
    )
  }
  return dataset.samples.map((sample) => known.get(sample.image) as Split)
}

/**
 * A cell of a split column.
 *
 * @throws DataError for anything but train, val and test
 */
export function splitIn(table: Table, row: number, column: number): Split {
  const cell = table.rows[row][column]
  const found = splits.find((candidate) => candidate === cell)
  if (found !== undefined) return found
  throw new DataError(
    `${table.file}, row ${table.rowNumbers[row]}, column "${table.columns[column]}": "${cell}". Expected train, val or test.`,
  )
}
