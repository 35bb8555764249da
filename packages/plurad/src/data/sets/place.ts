import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Place } from './adapter.js'
import { listed, readColumns, readTable, TABLE_NAME, type ReadTableOptions, type Table } from './table.js'

/** @throws DataError where there is no such file or folder */
export async function lookAt(
  location: string,
  open: Place['open'],
  options: ReadTableOptions = {},
): Promise<Place> {
  const path = resolve(location)
  const isFolder = await isDirectory(path)
  const folder = isFolder ? path : dirname(path)
  const columns = new Map<string, Promise<readonly string[] | null>>()
  const tables = new Map<string, Promise<Table>>()
  return {
    name: isFolder ? basename(path) : basename(path).replace(TABLE_NAME, ''),
    folder,
    names: (await readdir(folder)).sort(),
    file: isFolder ? null : path,
    columns: (file) =>
      once(columns, resolve(folder, file), (full) => readColumns(full, options).catch(() => null)),
    table: (file) => once(tables, resolve(folder, file), (full) => readTable(full, options)),
    open,
  }
}

function once<Value>(known: Map<string, Value>, key: string, make: (key: string) => Value): Value {
  const before = known.get(key)
  if (before !== undefined) return before
  const value = make(key)
  known.set(key, value)
  return value
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const near =
      code === 'ENOENT' ? didYouMean(basename(path), await readdir(dirname(path)).catch(() => [])) : ''
    throw new DataError(`${path}: ${code === 'ENOENT' ? 'no such file or folder' : message}.${near}`, {
      cause: error,
    })
  }
}

/** The tables that may be meant: the one named, else all of the folder; spreadsheets' lock files are none. */
export function tablesAt({ file, names }: Pick<Place, 'file' | 'names'>): readonly string[] {
  if (file !== null) return TABLE_NAME.test(file) ? [file] : []
  return names.filter((name) => TABLE_NAME.test(name) && !/^[.~]/.test(name))
}

/** Those of `tablesAt` whose header has all these columns. */
export async function tablesWith(place: Place, columns: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const name of tablesAt(place)) {
    const header = await place.columns(name)
    if (header !== null && columns.every((column) => header.includes(column))) found.push(name)
  }
  return found
}

/**
 * The tables that an adapter has found, or, for one that was named by the caller, all that may be meant.
 *
 * @throws DataError for none
 */
export function foundOrAll(place: Place, found: readonly string[]): readonly string[] {
  const tables = found.length > 0 ? found : tablesAt(place)
  if (tables.length === 0) throw nothingToOpen(place)
  return tables
}

/**
 * The one table of `names`.
 *
 * @throws DataError for none and for several
 */
export function onlyTable(place: Place, names: readonly string[]): string {
  if (names.length === 1) return names[0]
  if (names.length === 0) throw nothingToOpen(place)
  throw new DataError(
    `${place.folder}: ${names.length} tables, ${listed(names)}. Name the one to open instead of the folder.`,
  )
}

export function nothingToOpen({ file, folder, names }: Place): DataError {
  if (file !== null) {
    return new DataError(
      `${file}: expected a folder, or a table (.csv, .tsv, .xlsx or .parquet) with an image column and label columns. ` +
        'Export other spreadsheets as CSV first.',
    )
  }
  const found =
    names.length === 0
      ? 'it is empty'
      : `it holds ${listed(names.slice(0, 8))}${names.length > 8 ? ' …' : ''}`
  return new DataError(
    `${folder}: no table found; ${found}. Expected the files of a known data set, or one table (.csv, .tsv, .xlsx or ` +
      '.parquet) with an image column and label columns.',
  )
}
