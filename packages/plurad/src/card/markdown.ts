/** Text as Markdown. */
import type { Interval } from '../metrics/index.js'

export type Cell = string | number | null | undefined

/** A table; numbers to the right where a column has nothing but numbers. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = header.map((_, column) => rows.every((row) => typeof row[column] !== 'string'))
  const line = (cells: readonly Cell[]): string =>
    `| ${cells.map((cell) => escaped(cell === null || cell === undefined ? '–' : String(cell))).join(' | ')} |`
  return [
    line(header),
    `| ${numeric.map((right) => (right ? '---:' : '---')).join(' | ')} |`,
    ...rows.map(line),
  ].join('\n')
}

export function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

/** `0.702`, `0.702 (0.690 to 0.714)`. */
export function figure(value: number | null | undefined, interval?: Interval | null, digits = 3): string {
  if (value === null || value === undefined) return '–'
  const ends = interval ? ` (${interval[0].toFixed(digits)} to ${interval[1].toFixed(digits)})` : ''
  return value.toFixed(digits) + ends
}

/** What would end a cell or begin something else is shown as it is. */
export function escaped(text: string): string {
  return text.replace(/[\\|<>*`[\]]/g, '\\$&').replaceAll('\n', ' ')
}
