import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Split } from '../dataset.js'
import { parsedTexts, type OfRow } from './row-parts.js'
import { whereIs, type Table } from './table.js'

const SPLIT_NAMES: Record<string, Split | undefined> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validate: 'val',
  validation: 'val',
  dev: 'val',
  test: 'test',
  testing: 'test',
}

/** The split that a column names, in the words that tables use. */
export function splitOfRow(table: Table, column: number): OfRow<Split | undefined> {
  const coded = table.coded(column)
  const values = parsedTexts(coded, (text, firstRow) => {
    const split = SPLIT_NAMES[text.toLowerCase()]
    if (split !== undefined || text === '') return split
    throw new DataError(
      `${whereIs(table, firstRow(), column)}: unknown split "${text}". Expected train, val or test.` +
        didYouMean(text, Object.keys(SPLIT_NAMES)),
    )
  })
  return (row) => values[coded.codes[row]]
}
