import { dsvFormat } from 'd3-dsv'
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'

/** A table as the file has it: trimmed column names and cells, blank lines left out. */
export interface Table {
  file: string
  columns: readonly string[]
  /** Every row has `columns.length` cells, without spaces round them. */
  rows: readonly (readonly string[])[]
  /** The number of each row in the file, the header being row 1. */
  rowNumbers: Int32Array
}

/** Names of files that `readTable` takes. */
export const TABLE_NAME = /\.(csv|tsv)(\.gz)?$/i

/**
 * Reads a table with a header: comma, tab or semicolon between the cells (told by the header), quotes, a byte order
 * mark, CRLF, UTF-8 or UTF-16 with a mark, gzip.
 *
 * @throws DataError naming file and row: no such file, no header, no rows, a row with a wrong number of cells
 */
export async function readTable(file: string): Promise<Table> {
  const text = decodeText(await readBytes(file))
  const records = dsvFormat(delimiterOf(text, file)).parseRows(text)
  const header = records[0]?.map((name) => name.trim()) ?? []
  if (header.every((name) => name === '')) {
    throw new DataError(
      `${file}: the file is empty. Expected a header row with column names, then one row an image.`,
    )
  }
  const columns = trimTrailingBlanks(header)
  const rows: string[][] = []
  const numbers: number[] = []
  for (let index = 1; index < records.length; index++) {
    const cells = records[index].map((cell) => cell.trim())
    if (cells.every((cell) => cell === '')) continue
    const extra = cells.length > columns.length && cells.slice(columns.length).some((cell) => cell !== '')
    if (extra || cells.length < columns.length) {
      const hint = swallowedLines(records[index])
        ? 'A quote is opened in this row and closed lines later, or never: look for a stray ".'
        : 'The file may be cut off here, or a cell holds the separator without quotes round it.'
      throw new DataError(
        `${file}, row ${index + 1}: ${cells.length} cells, where the header has ${columns.length}. ${hint}`,
      )
    }
    cells.length = columns.length
    rows.push(cells)
    numbers.push(index + 1)
  }
  const last = records.at(-1) as string[]
  if (swallowedLines(last) && text.split('"').length % 2 === 0) {
    throw new DataError(
      `${file}, row ${records.length}: a quote is opened here and never closed. Look for a stray ".`,
    )
  }
  if (rows.length === 0)
    throw new DataError(`${file}: a header but no rows. Expected one row an image below it.`)
  return { file, columns, rows, rowNumbers: Int32Array.from(numbers) }
}

/**
 * Where a column stands.
 *
 * @throws DataError where there is none of that name, or several
 */
export function columnIndex(table: Table, name: string): number {
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

/** Names in quotes, the first 30 of them. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 30).map((name) => `"${name}"`)
  return names.length > shown.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more`
    : shown.join(', ')
}

async function readBytes(file: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new DataError(`${file}: ${code === 'ENOENT' ? 'no such file' : `cannot be read: ${message}`}.`, {
      cause: error,
    })
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes)
  } catch (error) {
    const why = (error as Error).message
    throw new DataError(`${file}: damaged or cut-off gzip file: ${why}. Copy it again from its source.`, {
      cause: error,
    })
  }
}

function decodeText(bytes: Uint8Array): string {
  // Spreadsheets export "Unicode text" as UTF-16 with a byte order mark; the decoder removes either mark.
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8'
  return new TextDecoder(encoding).decode(bytes)
}

/** The separator that the header row has most of, outside quotes. */
function delimiterOf(text: string, file: string): string {
  const end = text.search(/[\r\n]/)
  const header = (end < 0 ? text : text.slice(0, end)).replace(/"[^"]*"/g, '')
  const candidates = /\.tsv(\.gz)?$/i.test(file) ? ['\t', ',', ';'] : [',', '\t', ';']
  const counts = candidates.map((candidate) => header.split(candidate).length)
  return candidates[counts.indexOf(Math.max(...counts))]
}

/** NIH's own table ends every line, the header too, in a comma. */
function trimTrailingBlanks(names: readonly string[]): string[] {
  let length = names.length
  while (length > 0 && names[length - 1] === '') length--
  return names.slice(0, length)
}

function swallowedLines(cells: readonly string[]): boolean {
  return cells.some((cell) => cell.includes('\n'))
}
