/** What is known of images beside their labels, as a table by image: a run's `metadata.csv`, or any table that names images. */
import { csvFormatRows } from 'd3-dsv'
import { DataError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import type { Sample } from './dataset.js'
import { matchReferences } from './match-references.js'
import { columnIndex, readTable, type Table } from './sets/table.js'

/**
 * Writes `image,age,sex,view`, unknown values blank: no patient is named in it.
 *
 * @throws RunError where the file cannot be written
 */
export async function writeMetadata(
  file: string,
  samples: readonly Pick<Sample, 'image' | 'metadata'>[],
): Promise<void> {
  const rows = samples.map(({ image, metadata: { age, sex, view } }) => [
    image,
    age === null ? '' : String(age),
    sex ?? '',
    view ?? '',
  ])
  await writeFileAtomic(file, `${csvFormatRows([['image', 'age', 'sex', 'view'], ...rows])}\n`)
}

/** A table's rows for given images. */
export interface MetadataTable {
  /** The columns that can be asked for. */
  columns: readonly string[]
  /**
   * [N] the cells of a column; blank for images that the table lacks.
   *
   * @throws DataError where there is no such column
   */
  cells: (column: string) => string[]
}

/**
 * Reads a table and finds the rows of images. Which column names the images is told by its cells: the one in which most of
 * them are found, as they are or with another folder before them.
 *
 * @throws DataError where the table cannot be read, or no column names at least half of the images
 */
export async function readMetadata(file: string, images: readonly string[]): Promise<MetadataTable> {
  const table = await readTable(file)
  const keys = table.columns.map((_, column) => rowsByImage(table, column, images))
  const found = keys.map((rows) => rows.filter((row) => row !== null).length)
  const best = found.indexOf(Math.max(...found))
  if (found[best] < images.length / 2) {
    throw new DataError(
      `${file}: no column names the images; '${table.columns[best]}' has ${found[best]} of ${images.length}, such as ` +
        `'${table.cell(0, best)}', where '${images[0]}' is looked for. Expected a column with the images' names.`,
    )
  }
  const rows = keys[best]
  return {
    columns: table.columns.filter((_, column) => column !== best),
    cells: (name) => {
      const column = columnIndex(table, name)
      return rows.map((row) => (row === null ? '' : table.cell(row, column)))
    },
  }
}

/** [N] the row of each image by the cells of a column; null where there is none. */
function rowsByImage(table: Table, column: number, images: readonly string[]): (number | null)[] {
  const { codes, texts } = table.coded(column)
  const firstRow = new Int32Array(texts.length).fill(-1)
  for (let row = codes.length - 1; row >= 0; row--) firstRow[codes[row]] = row
  const rows = new Map(texts.map((text, code) => [text, firstRow[code]]))
  return matchReferences(texts, images).map((name) => (name === null ? null : (rows.get(name) ?? null)))
}
