import { z } from 'zod'
import { DataError } from '../../errors.js'
import type { LabelValue } from '../dataset.js'
import { parsedTexts, type LabelColumn } from './row-parts.js'
import { whereIs, type Table } from './table.js'

export const wordsSetting = z
  .record(z.string(), z.union([z.literal(1), z.literal(0), z.null()]))
  .default({})
  .describe('what further words in label columns mean: 1 present, 0 absent, null unknown, as {yes: 1, no: 0}')

/** What a cell of a label column means; undefined for a word that is none. */
export type LabelWords = (text: string) => LabelValue | undefined

/** 1, 0, true, false and blanks, and what a setting adds or changes; letter case does not matter. */
export function labelWords(further: Readonly<Record<string, LabelValue>> = {}): LabelWords {
  const known = new Map<string, LabelValue>([
    ['1', 1],
    ['1.0', 1],
    ['true', 1],
    ['0', 0],
    ['0.0', 0],
    ['false', 0],
    ['', null],
    ['nan', null],
    ['na', null],
  ])
  for (const [word, value] of Object.entries(further)) {
    known.set(word.trim().toLowerCase(), value)
    // Tables that went through pandas have every number of a column with blanks as a decimal.
    if (/^-?\d+$/.test(word)) known.set(`${word}.0`, value)
  }
  return (text) => known.get(text.toLowerCase())
}

/**
 * A label column of a table.
 *
 * @throws DataError naming the cell for a word that means nothing
 */
export function labelColumn(table: Table, column: number, words: LabelWords): LabelColumn {
  const coded = table.coded(column)
  const values = parsedTexts(coded, (text, firstRow) => {
    const value = words(text)
    if (value === undefined) throw unknownWord(table, firstRow(), column)
    return value
  })
  return { codes: coded.codes, values }
}

export function unknownWord(table: Table, row: number, column: number): DataError {
  const text = table.cell(row, column)
  return new DataError(
    `${whereIs(table, row, column)}: unknown label value "${text}". ` +
      'Expected 1 (present), 0 (absent) or nothing (unknown). Correct the cell, name the label columns if this is not ' +
      `one, or say what it means by the setting values, as {"${text}": 1}.` +
      (Number(text) === -1 ? ' Where -1 means uncertain, {"-1": null} leaves it unknown.' : ''),
  )
}
