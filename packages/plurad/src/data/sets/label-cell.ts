import { DataError } from '../../errors.js'
import type { LabelValue } from '../dataset.js'
import { labelWords } from './label-words.js'
import { whereIs, type Table } from './table.js'

const words = labelWords()

/**
 * A cell that says whether a finding is there: 1, 0, or nothing (unknown).
 *
 * @param row position in `table`, not its number in the file
 * @throws DataError naming file, row and column, for any other text
 */
export function labelCell(table: Table, row: number, column: number): LabelValue {
  const text = table.cell(row, column)
  const value = words(text)
  if (value !== undefined) return value
  throw new DataError(
    `${whereIs(table, row, column)}: unknown label value "${text}". Expected 1 (present), 0 (absent) or nothing ` +
      '(unknown). Correct the cell.',
  )
}
