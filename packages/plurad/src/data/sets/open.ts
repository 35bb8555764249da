import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset } from '../dataset.js'
import type { DatasetAdapter, OpenOptions } from './adapter.js'
import { datasetAdapters } from './registry.js'
import { listed, readTable, TABLE_NAME } from './table.js'

/**
 * Opens a data set. Reads its table and lists its image folders; no image is opened.
 *
 * @param location a folder, such as NIH ChestX-ray14's or any with exactly one table, or a table (`.csv`, `.tsv`,
 * also gzipped)
 * @throws DataError naming file, row and column of what is wrong, and what to do
 */
export async function openDataset(location: string, options: OpenOptions = {}): Promise<Dataset> {
  const path = resolve(location)
  const adapters = options.adapter === undefined ? datasetAdapters : [adapterNamed(options.adapter)]
  const isFolder = await isDirectory(path)
  if (!isFolder && !TABLE_NAME.test(path)) {
    throw new DataError(
      `${path}: expected a folder, or a table as .csv or .tsv. Export a spreadsheet as CSV first.`,
    )
  }
  const file = isFolder ? await findTable(path, adapters) : path
  const table = await readTable(file)
  const adapter = adapters.find((candidate) => candidate.recognises(table.columns)) ?? adapters[0]
  if (adapter === undefined)
    throw new DataError(`${file}: no adapter takes a table with the columns ${listed(table.columns)}.`)
  const name = isFolder ? basename(path) : basename(path).replace(TABLE_NAME, '')
  return adapter.open({ name, folder: dirname(file), table }, options)
}

function adapterNamed(name: string): DatasetAdapter {
  const names = datasetAdapters.map((adapter) => adapter.name)
  const adapter = datasetAdapters[names.indexOf(name)]
  if (adapter === undefined) {
    throw new DataError(
      `No data set adapter "${name}". There are ${listed(names)}.${didYouMean(name, names)}`,
    )
  }
  return adapter
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

async function findTable(folder: string, adapters: readonly DatasetAdapter[]): Promise<string> {
  const names = (await readdir(folder)).sort()
  for (const adapter of adapters) {
    const tables = adapter.tables(names)
    if (tables.length > 1) {
      throw new DataError(
        `${folder}: ${tables.length} tables, ${listed(tables)}. Name the one to open instead of the folder.`,
      )
    }
    if (tables.length === 1) return join(folder, tables[0])
  }
  const found =
    names.length === 0
      ? 'it is empty'
      : `it holds ${listed(names.slice(0, 8))}${names.length > 8 ? ' …' : ''}`
  throw new DataError(
    `${folder}: no table found; ${found}. Expected Data_Entry_2017*.csv (NIH ChestX-ray14) or one .csv or .tsv file ` +
      'with an image column and label columns.',
  )
}
