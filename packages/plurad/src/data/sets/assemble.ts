import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import { DataError } from '../../errors.js'
import type { Dataset, LabelValue, Metadata, Sample, SkippedRow } from '../dataset.js'
import type { OpenOptions } from './adapter.js'
import { ImageFolder } from './folder.js'
import { listed, type Table } from './table.js'

/** A sample whose file has not been looked for yet, unless the adapter knows it (null: it has looked in vain). */
export type Row = Omit<Sample, 'path'> & { path?: string | null | undefined }

/** A row that cannot be used, for the list of skipped rows. */
export interface UnusedRow {
  image: string
  /** Why. */
  unused: string
}

/** Where a data set's images may lie. */
export interface ImagePlaces {
  /** Folders to look in instead of the usual places around the table; from the data set's folder. */
  roots?: readonly string[] | undefined
  /** Other ways to read a reference, where it leads to no file as it is. */
  otherReferences?: ((image: string) => readonly string[]) | undefined
}

/** What is common to all tables with one row an image. */
export interface RowsOfTable extends ImagePlaces {
  name: string
  folder: string
  table: Pick<Table, 'file' | 'rowNumbers'>
  imageColumn: string
  labels: readonly string[]
  /** One for each row of the table, in its order; taken one by one, so that not all need to be there at once. */
  rows: Iterable<Row | UnusedRow>
}

/**
 * Rows become a data set: duplicates are refused, files are looked for, the fingerprint is taken.
 *
 * @throws DataError for an empty image cell, an image that stands in two rows, no file at all, or (`strict`) any
 * missing file
 */
export function assembleDataset(source: RowsOfTable, options: OpenOptions): Dataset {
  const { name, table, labels, rows } = source
  const files = new ImageFiles(source, options)
  const samples: Sample[] = []
  const skipped: SkippedRow[] = []
  const absent: SkippedRow[] = []
  const references = new References()
  const values: (readonly LabelValue[])[] = []
  for (const row of rows) {
    const { image } = row
    const index = references.length
    const isNew = references.add(image)
    if (image === '') throw noImage(source, index)
    if ('unused' in row) {
      skipped.push({ image, reason: `${row.unused} (${table.file}, row ${table.rowNumbers[index]})` })
      continue
    }
    values[index] = row.labels
    if (!isNew) {
      const before = references.indexOf(image)
      throw twice(source, image, [before, index], [values[before] ?? row.labels, row.labels])
    }
    const path = row.path === undefined ? files.locate(image) : row.path
    if (path === null) {
      absent.push({ image, reason: `no such file (${table.file}, row ${table.rowNumbers[index]})` })
      continue
    }
    // The row becomes the sample: a million of them are not copied.
    row.path = path
    samples.push(row as Sample)
  }
  if (absent.length > 0 && (samples.length === 0 || options.strict === true)) {
    throw missing(table.file, absent, absent.length + samples.length, files.roots)
  }
  if (samples.length === 0) {
    const why = skipped.length === 0 ? '' : `: ${skipped[0].image}, for example, is ${skipped[0].reason}`
    throw new DataError(`${table.file}: no row can be used${why}.`)
  }
  return {
    name,
    labels,
    samples,
    skipped: [...skipped, ...absent],
    fingerprint: fingerprint(labels, samples),
  }
}

/** The references of all rows so far. */
class References {
  readonly #list: string[] = []
  /** Tables are sorted as a rule: as long as one is, each reference need only be compared with the one before. */
  #seen: Set<string> | null = null
  #last = ''

  get length(): number {
    return this.#list.length
  }

  /** @returns whether it is the first of its name */
  add(reference: string): boolean {
    const isNext = this.#seen === null && reference > this.#last
    if (isNext) this.#last = reference
    else this.#seen ??= new Set(this.#list)
    this.#list.push(reference)
    return isNext || this.#seen === null || this.#seen.size < this.#seen.add(reference).size
  }

  indexOf(reference: string): number {
    return this.#list.indexOf(reference)
  }
}

/** Files of references, or where they would be when nobody asks for images. */
class ImageFiles {
  readonly roots: readonly string[]
  readonly #images: ImageFolder | null
  readonly #start: string
  readonly #others: (image: string) => readonly string[]

  constructor({ folder, roots, otherReferences = () => [] }: RowsOfTable, options: OpenOptions) {
    const { images, requireImages = true } = options
    const named = images === undefined ? roots?.map((root) => resolve(folder, root)) : [resolve(images)]
    this.#start = `${named?.[0] ?? folder}/`
    this.#images = !requireImages
      ? null
      : named === undefined
        ? ImageFolder.around(folder)
        : new ImageFolder(named)
    this.#others = otherReferences
    this.roots = this.#images?.roots ?? []
  }

  locate(image: string): string | null {
    if (this.#images === null) return this.#start + image
    const found = this.#images.locate(image)
    if (found !== null) return found
    for (const other of this.#others(image)) {
      const path = this.#images.locate(other)
      if (path !== null) return path
    }
    return null
  }
}

function missing(
  file: string,
  skipped: readonly SkippedRow[],
  rows: number,
  roots: readonly string[],
): DataError {
  const all = skipped.length === rows
  const first = skipped.slice(0, 3).map(({ image }) => image)
  return new DataError(
    `${file}: ${all ? `none of the ${rows}` : `${skipped.length} of the ${rows}`} ` +
      `${all ? 'images were found' : 'images are missing'}, such as ${listed(first)}. Searched ${roots.join(', ')}. ` +
      (all ? 'Put the images there, or name their folder.' : 'Without strict they would be skipped.'),
  )
}

function noImage({ table, imageColumn }: RowsOfTable, index: number): DataError {
  return new DataError(
    `${table.file}, row ${table.rowNumbers[index]}, column "${imageColumn}": empty. Expected the name of an image ` +
      'file; fill it in or remove the row.',
  )
}

function twice(
  { table, imageColumn, labels }: RowsOfTable,
  image: string,
  [before, index]: readonly [number, number],
  [other, values]: readonly [readonly LabelValue[], readonly LabelValue[]],
): DataError {
  const at = values.findIndex((value, label) => value !== other[label])
  const what =
    at < 0
      ? 'with the same labels. Remove one of them.'
      : `with different labels: "${labels[at]}" is ${shown(other[at])} and then ${shown(values[at])}. ` +
        'Decide which is right and remove the other row.'
  return new DataError(
    `${table.file}, row ${table.rowNumbers[index]}, column "${imageColumn}": "${image}" also stands in row ` +
      `${table.rowNumbers[before]}, ${what}`,
  )
}

function shown(value: LabelValue | undefined): string {
  return value === null || value === undefined ? 'blank' : String(value)
}

/** SHA-256 over label names and rows, whatever folder they lie in. */
export function fingerprint(labels: readonly string[], samples: readonly Sample[]): string {
  const hash = createHash('sha256').update(JSON.stringify(labels))
  // Rows share their metadata and label arrays, and a patient's rows follow each other.
  const aboutOf = remembering(({ age, sex, view }: Metadata) => JSON.stringify([age, sex, view]).slice(1))
  const valuesOf = remembering((values: readonly LabelValue[]) => values.join())
  const patientOf = remembering(quoted)
  // A call of the hash costs more than many rows' text.
  let text = ''
  for (const { image, also, patient, labels: values, metadata, split } of samples) {
    text += `\n[${quoted(image)},${patientOf(patient)},${split === undefined ? 'null' : `"${split}"`},`
    text += aboutOf(metadata) + valuesOf(values)
    if (also !== undefined) text += JSON.stringify(also.map((path) => basename(path)))
    if (text.length < 65536) continue
    hash.update(text)
    text = ''
  }
  return hash.update(text).digest('hex')
}

/** As JSON has it. */
function quoted(text: string | null): string {
  if (text === null) return 'null'
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** What JSON writes as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

/** A function that computes each value once, the last one without looking it up. */
function remembering<Key>(make: (key: Key) => string): (key: Key) => string {
  const known = new Map<Key, string>()
  let lastKey: Key | undefined
  let last = ''
  return (key) => {
    if (key === lastKey) return last
    const before = known.get(key)
    last = before ?? make(key)
    lastKey = key
    if (before === undefined) known.set(key, last)
    return last
  }
}
