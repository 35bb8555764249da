import { z } from 'zod'
import { DataError } from '../../errors.js'
import { parsedTexts, type OfRow } from './row-parts.js'
import { columnIndex, listed, type Table } from './table.js'

const value = z.union([z.string(), z.number(), z.boolean()])

export const whereSetting = z
  .record(z.string(), z.union([value, z.array(value).nonempty()]))
  .default({})
  .describe('keep only rows with one of these values, as {"View Position": [PA, AP]}')

/**
 * Whether a row is kept; undefined where all are.
 *
 * @param roles columns under other names, such as `view`
 * @throws DataError for a column that is not there, or a value that no row has
 */
export function rowsWhere(
  table: Table,
  where: z.infer<typeof whereSetting>,
  roles: Readonly<Record<string, number>> = {},
): OfRow<boolean> | undefined {
  if (Object.keys(where).length === 0) return undefined
  const tests = Object.entries(where).map(([name, allowed]): OfRow<boolean> => {
    const role = table.columns.includes(name) ? undefined : roles[name]
    const coded = table.coded(role ?? columnIndex(table, name))
    const wanted = new Set([allowed].flat().map(String))
    const absent = [...wanted].find((text) => !coded.texts.includes(text))
    if (absent !== undefined) {
      throw new DataError(
        `${table.file}, column "${name}": no row has "${absent}", which the setting where asks for. There are ` +
          `${listed(coded.texts)}.`,
      )
    }
    const kept = parsedTexts(coded, (text) => wanted.has(text))
    return (row) => kept[coded.codes[row]]
  })
  return (row) => tests.every((test) => test(row))
}
