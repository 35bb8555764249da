import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import { readDelimited, readDelimitedHeader } from './delimited.js'

/**
 * A table as the file has it: trimmed column names and cells, blank lines left out. A million rows are kept as the
 * file's bytes: cells become text when they are asked for.
 */
export interface Table {
  file: string
  columns: readonly string[]
  /** Number of rows. */
  length: number
  /** The number of each row in the file, the header being row 1. */
  rowNumbers: Int32Array
  /** Text of a cell, without spaces round it; '' where it is empty. */
  cell(row: number, column: number): string
  /** A column with every different text once: what repeats is parsed once and takes no memory a row. */
  coded(column: number): CodedColumn
  /** All rows as text, for small tables; made on first use. Every row has `columns.length` cells. */
  readonly rows: readonly (readonly string[])[]
}

/** As narrow as the numbers allow: a million rows of a label column take one megabyte. */
export type Codes = Uint8Array | Uint16Array | Uint32Array

export interface CodedColumn {
  /** For every row, which of `texts` it has. */
  codes: Codes
  /** In the order in which they come first. */
  texts: readonly string[]
}

/** How a table is read; all of it is optional. */
export interface ReadTableOptions {
  /** XLSX: name of the sheet; the first when left out. */
  sheet?: string | undefined
}

/** Names of files that `readTable` takes. */
export const TABLE_NAME = /\.(?:(?:csv|tsv)(?:\.gz)?|xlsx|parquet)$/i

/**
 * Reads a table with a header: CSV and TSV (comma, tab or semicolon between the cells, told by the header; quotes, a
 * byte order mark, CRLF, UTF-8 or UTF-16 with a mark, gzip), XLSX, Parquet.
 *
 * @throws DataError naming file and row: no such file, no header, no rows, a row with a wrong number of cells
 */
export async function readTable(file: string, options: ReadTableOptions = {}): Promise<Table> {
  // Readers that most calls never need are loaded when they are.
  if (isXlsx(file)) return (await import('./xlsx.js')).readXlsx(file, options.sheet)
  if (isParquet(file)) return (await import('./parquet.js')).readParquet(file)
  return readDelimited(file)
}

/** The header of a table alone; of a large CSV file only the beginning is read. */
export async function readColumns(file: string, options: ReadTableOptions = {}): Promise<readonly string[]> {
  if (isXlsx(file)) return (await readTable(file, options)).columns
  if (isParquet(file)) return (await import('./parquet.js')).readParquetHeader(file)
  return readDelimitedHeader(file)
}

const isXlsx = (file: string): boolean => /\.xlsx$/i.test(file)
const isParquet = (file: string): boolean => /\.parquet$/i.test(file)

/**
 * Where a column stands.
 *
 * @throws DataError where there is none of that name, or several
 */
export function columnIndex(table: Pick<Table, 'file' | 'columns'>, name: string): number {
  const index = table.columns.indexOf(name.trim())
  if (index < 0) {
    throw new DataError(
      `${table.file}: no column "${name}". Its columns are ${listed(table.columns)}.${didYouMean(name, table.columns)}`,
    )
  }
  if (table.columns.lastIndexOf(name.trim()) !== index) {
    throw new DataError(
      `${table.file}, row 1: two columns are called "${name}". Rename or remove one of them.`,
    )
  }
  return index
}

/** `FILE, row 7, column "Mass"`: where a cell stands, for messages. */
export function whereIs(
  table: Pick<Table, 'file' | 'columns' | 'rowNumbers'>,
  row: number,
  column: number,
): string {
  return `${table.file}, row ${table.rowNumbers[row]}, column "${table.columns[column]}"`
}

/** Names in quotes, the first 30 of them. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 30).map((name) => `"${name}"`)
  return names.length > shown.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more`
    : shown.join(', ')
}
