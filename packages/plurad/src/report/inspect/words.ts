/** What an inspection found, in words: the same on the page and on the terminal. */
import type { Counted } from '../../data/inspect/image-summary.js'
import type { NumberSummary, ValueCounts } from '../../data/inspect/row-summary.js'
import { formatCount } from '../format.js'

/** Values that are listed; the others are counted. */
export const SHOWN_VALUES = 8

/** `median 60, half between 54 and 71, all between 24 and 94, 3 unknown` */
export function ageText({ quartiles, unknown }: NumberSummary): string {
  if (quartiles === null) return 'unknown'
  const [least, first, middle, third, most] = quartiles.map((value) => String(Math.round(value * 10) / 10))
  return `median ${middle}, half between ${first} and ${third}, all between ${least} and ${most}${unknownText(unknown)}`
}

/** `PA 637, AP 363, 2 unknown` */
export function valuesText({ values, unknown }: ValueCounts): string {
  if (values.length === 0) return 'unknown'
  const shown = values.slice(0, SHOWN_VALUES).map(({ value, rows }) => `${value} ${formatCount(rows)}`)
  const left = values.length - shown.length
  return `${shown.join(', ')}${left > 0 ? ` and ${left} further values` : ''}${unknownText(unknown)}`
}

function unknownText(rows: number): string {
  return rows === 0 ? '' : `, ${formatCount(rows)} unknown`
}

/** `PNG`, or `PNG (937), JPEG (63)` */
export function countedText(values: readonly Counted<string>[]): string {
  if (values.length === 0) return 'unknown'
  if (values.length === 1) return values[0].value
  const shown = values.slice(0, SHOWN_VALUES).map(({ value, images }) => `${value} (${formatCount(images)})`)
  const left = values.length - shown.length
  return `${shown.join(', ')}${left > 0 ? ` and ${left} more` : ''}`
}
