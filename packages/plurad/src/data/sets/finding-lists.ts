import { DataError } from '../../errors.js'
import type { NamedLabel } from './relabel.js'
import { parsedTexts } from './row-parts.js'
import { whereIs, type Table } from './table.js'

/** How a cell that lists findings is read. */
export interface ListOptions {
  /** What stands between two findings. */
  separators: readonly string[]
  /** Words that say that nothing was found; letter case does not matter. */
  none: readonly string[]
  /** Findings that so few images have are no labels. */
  atLeast: number
}

/**
 * Labels from a column whose cells list findings, such as `Mass|Nodule` or Python's `['mass', 'nodule']`, in the order
 * of the alphabet. A blank cell is unknown for all of them; a word for nothing is absent for all.
 *
 * @throws DataError naming the cell of a Python list that cannot be read
 */
export function labelsOfLists(table: Table, column: number, options: ListOptions): NamedLabel[] {
  const coded = table.coded(column)
  const none = new Set(options.none.map((word) => word.toLowerCase()))
  const lists = parsedTexts(coded, (text, firstRow) => {
    if (isBlank(text)) return null
    const found = text.startsWith('[')
      ? pythonList(text, () => whereIs(table, firstRow(), column))
      : splitAt(text, options.separators)
    return new Set(found.filter((name) => name !== '' && !none.has(name.toLowerCase())))
  })
  const counts = new Map<string, number>()
  for (const code of coded.codes)
    for (const name of lists[code] ?? []) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts]
    .filter(([, count]) => count >= options.atLeast)
    .map(([name]) => name)
    .sort()
    .map((name) => ({
      name,
      column: {
        codes: coded.codes,
        values: lists.map((list) => (list === null ? null : list.has(name) ? 1 : 0)),
      },
    }))
}

export function isBlank(text: string): boolean {
  return text === '' || text.toLowerCase() === 'nan'
}

function splitAt(text: string, separators: readonly string[]): string[] {
  let parts = [text]
  for (const separator of separators) parts = parts.flatMap((part) => part.split(separator))
  return parts.map((part) => part.trim())
}

/**
 * The texts in a list as Python prints it: `['mass', "Kerley's lines", ' nodule']`.
 *
 * @param where names the cell
 */
export function pythonList(text: string, where: () => string): string[] {
  const item = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([\w.+-]+(?: [\w.+-]+)*))\s*(,|\]$)/y
  const found: string[] = []
  if (/^\[\s*\]$/.test(text)) return found
  item.lastIndex = 1
  for (let match = item.exec(text); match !== null; match = item.exec(text)) {
    const value = match[1] ?? match[2] ?? match[3] ?? ''
    if (match[3] === undefined || !/^(?:nan|None)$/.test(value))
      found.push(value.replace(/\\(.)/g, '$1').trim())
    if (match[4] !== ',') return found
    if (/^,\s*\]$/.test(text.slice(item.lastIndex - 1))) return found
  }
  throw new DataError(`${where()}: ${text} is no list. Expected texts in quotes, as ['mass', 'nodule'].`)
}
