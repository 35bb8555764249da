import { readSheet, SheetNotFoundError } from 'read-excel-file/node'
import { DataError } from '../../errors.js'
import { textOf } from './cell-text.js'
import { readUnpacked } from './file-bytes.js'
import { tableOfRows } from './table-of-rows.js'
import type { Table } from './table.js'

/**
 * One sheet of an Excel workbook (`.xlsx`). Numbers and dates become the text that a CSV file would have; a cell with a
 * formula has its last result.
 *
 * @param sheet its name; the first when left out
 * @throws DataError naming file and row
 */
export async function readXlsx(file: string, sheet?: string): Promise<Table> {
  const bytes = await readUnpacked(file)
  const records = await readSheet(bytes, sheet ?? 1).catch((error: unknown) => {
    const what =
      error instanceof SheetNotFoundError
        ? error.message
        : `cannot be read as a workbook: ${(error as Error).message}. Save it again as .xlsx, or export it as CSV`
    throw new DataError(`${file}: ${what}.`, { cause: error })
  })
  return tableOfRows(
    file,
    records.map((record) => record.map((cell: unknown) => textOf(wholeSeconds(cell)) ?? '')),
  )
}

/** Excel keeps times as fractions of a day, which are up to a millisecond off. */
function wholeSeconds(cell: unknown): unknown {
  return cell instanceof Date ? new Date(Math.round(cell.getTime() / 1000) * 1000) : cell
}
