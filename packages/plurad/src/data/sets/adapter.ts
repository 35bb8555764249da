import type { Dataset } from '../dataset.js'
import type { Table } from './table.js'

/** What a caller may say about a data set; all of it is optional. */
export interface OpenOptions {
  /** Labels to keep, in this order; all that the data set has when left out. */
  labels?: readonly string[] | undefined
  /** Name of an adapter in the registry; told by file name and header when left out. */
  adapter?: string | undefined
  /** Table: the column with image references. */
  imageColumn?: string | undefined
  /** Table: the columns that hold labels, where 1 is present, 0 absent and blank unknown. */
  labelColumns?: readonly string[] | undefined
  /** Table: the column that says whose image it is. */
  patientColumn?: string | undefined
  /** Table: the column with `train`, `val` or `test`. */
  splitColumn?: string | undefined
  /** Folder that image references start from; found by itself when left out. */
  images?: string | undefined
  /** A missing image file is an error instead of a skipped row. */
  strict?: boolean | undefined
}

/** A table that was found and read, for an adapter to turn into a data set. */
export interface DatasetSource {
  /** Short name for people. */
  name: string
  /** The folder that holds the table, absolute. */
  folder: string
  table: Table
}

/** One layout of data set. To add one: a file beside this and a line in `registry.ts`. */
export interface DatasetAdapter {
  /** What `--adapter` takes, such as `nih`. */
  name: string
  /** One line for people. */
  summary: string
  /** Which of a folder's file names may be this layout's table; none where the folder is not of this layout. */
  tables(names: readonly string[]): readonly string[]
  /** Whether a table with these columns is of this layout. */
  recognises(columns: readonly string[]): boolean
  /** @throws DataError naming file, row and column of what cannot be used */
  open(source: DatasetSource, options: OpenOptions): Dataset | Promise<Dataset>
}
