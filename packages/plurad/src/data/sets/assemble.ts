import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { DataError } from '../../errors.js'
import type { Dataset, LabelValue, Sample, SkippedRow } from '../dataset.js'
import type { OpenOptions } from './adapter.js'
import { ImageFolder } from './folder.js'
import { listed, type Table } from './table.js'

/** A sample whose file has not been looked for yet. */
export type Row = Omit<Sample, 'path'>

/** What is common to all tables with one row an image. */
export interface RowsOfTable {
  name: string
  folder: string
  table: Table
  imageColumn: string
  labels: readonly string[]
  /** As many as `table.rows`. */
  rows: readonly Row[]
}

/**
 * Rows become a data set: duplicates are refused, files are looked for, the fingerprint is taken.
 *
 * @throws DataError for an empty image cell, an image that stands in two rows, no file at all, or (`strict`) any
 * missing file
 */
export function assembleDataset(source: RowsOfTable, options: OpenOptions): Dataset {
  const { name, folder, table, labels, rows } = source
  checkImages(source)
  const images =
    options.images === undefined ? ImageFolder.around(folder) : new ImageFolder([resolve(options.images)])
  const samples: Sample[] = []
  const skipped: SkippedRow[] = []
  const firstMissing: string[] = []
  rows.forEach((row, index) => {
    const path = images.locate(row.image)
    if (path !== null) {
      samples.push({ ...row, path })
      return
    }
    if (firstMissing.length < 3) firstMissing.push(row.image)
    skipped.push({ image: row.image, reason: `no such file (${table.file}, row ${table.rowNumbers[index]})` })
  })
  if (skipped.length > 0 && (samples.length === 0 || options.strict === true)) {
    const howMany =
      samples.length === 0 ? `none of the ${rows.length}` : `${skipped.length} of the ${rows.length}`
    const verb = samples.length === 0 ? 'images were found' : 'images are missing'
    throw new DataError(
      `${table.file}: ${howMany} ${verb}, such as ${listed(firstMissing)}. Searched ${images.roots.join(', ')}. ` +
        (samples.length === 0
          ? 'Put the images there, or name their folder.'
          : 'Without strict they would be skipped.'),
    )
  }
  return { name, labels, samples, skipped, fingerprint: fingerprint(labels, samples) }
}

function checkImages({ table, imageColumn, labels, rows }: RowsOfTable): void {
  const seen = new Map<string, number>()
  rows.forEach((row, index) => {
    const rowNumber = table.rowNumbers[index]
    if (row.image === '') {
      throw new DataError(
        `${table.file}, row ${rowNumber}, column "${imageColumn}": empty. Expected the name of an image file; ` +
          'fill it in or remove the row.',
      )
    }
    const before = seen.get(row.image)
    seen.set(row.image, index)
    if (before === undefined) return
    const other = rows[before].labels
    const at = row.labels.findIndex((value, label) => value !== other[label])
    const what =
      at < 0
        ? 'with the same labels. Remove one of them.'
        : `with different labels: "${labels[at]}" is ${shown(other[at])} and then ${shown(row.labels[at])}. ` +
          'Decide which is right and remove the other row.'
    throw new DataError(
      `${table.file}, row ${rowNumber}, column "${imageColumn}": "${row.image}" also stands in row ` +
        `${table.rowNumbers[before]}, ${what}`,
    )
  })
}

function shown(value: LabelValue | undefined): string {
  return value === null || value === undefined ? 'blank' : String(value)
}

/** SHA-256 over label names and rows, whatever folder they lie in. */
function fingerprint(labels: readonly string[], samples: readonly Sample[]): string {
  const hash = createHash('sha256').update(JSON.stringify(labels))
  for (const { image, patient, labels: values, metadata, split } of samples) {
    const { age, sex, view } = metadata
    hash.update(`\n${JSON.stringify([image, patient, split ?? null, age, sex, view])}${values.join()}`)
  }
  return hash.digest('hex')
}
