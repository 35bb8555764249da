import { DataError } from '../../errors.js'
import type { CodedColumn, Table } from './table.js'

/**
 * A table from cells that are text already; blank rows and columns without a name at the end are left out.
 *
 * @param records the header and the rows below it, as many cells as there are
 * @throws DataError for no header, no rows, two many cells in a row
 */
export function tableOfRows(file: string, records: readonly (readonly string[])[]): Table {
  const header = trimmedHeader(file, records[0] ?? [])
  const rows: string[][] = []
  const numbers: number[] = []
  records.forEach((record, index) => {
    const cells = record.map((cell) => cell.trim())
    if (index === 0 || cells.every((cell) => cell === '')) return
    if (cells.slice(header.length).some((cell) => cell !== '')) {
      throw new DataError(
        `${file}, row ${index + 1}: ${cells.length} cells, where the header has ${header.length}. Give every column ` +
          'a name in the first row.',
      )
    }
    rows.push(header.map((_, column) => cells[column] ?? ''))
    numbers.push(index + 1)
  })
  if (rows.length === 0) throw noRows(file)
  return {
    file,
    columns: header,
    length: rows.length,
    rowNumbers: Int32Array.from(numbers),
    rows,
    cell: (row, column) => rows[row]?.[column] ?? '',
    coded: (column) => codedTexts(rows.map((row) => row[column] ?? '')),
  }
}

/** Names without spaces round them and without nameless ones at the end: NIH's own table ends every line in a comma. */
export function trimmedHeader(file: string, names: readonly string[]): string[] {
  const header = names.map((name) => name.trim())
  while (header.length > 0 && header.at(-1) === '') header.pop()
  if (header.length > 0) return header
  throw new DataError(
    `${file}: the file is empty. Expected a header row with column names, then one row an image.`,
  )
}

export function noRows(file: string): DataError {
  return new DataError(`${file}: a header but no rows. Expected one row an image below it.`)
}

function codedTexts(cells: readonly string[]): CodedColumn {
  const known = new Map<string, number>()
  const codes = Uint32Array.from(cells, (text) => {
    const code = known.get(text) ?? known.size
    known.set(text, code)
    return code
  })
  return { codes, texts: [...known.keys()] }
}
