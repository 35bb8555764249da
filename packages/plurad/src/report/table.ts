/** Tables of numbers that sort on a click, with an interval under each number that has one. */
import type { Interval } from '../metrics/index.js'
import { formatInterval, formatScore, NO_VALUE } from './format.js'
import { html, type Html } from './html.js'

export interface Cell {
  value: number | null
  /** Null for a figure of which too few samples have a value; left out where there are no intervals. */
  interval?: Interval | null | undefined
  /** Formats value and interval; three decimals when left out. */
  format?: (value: number | null) => string
  /** Length of the bar below the number, in [0, 1]. */
  bar?: number
  /** Beside the number. */
  aside?: string
}

export interface Row {
  /** For sorting, and for those who read no HTML. */
  name: string
  head: Html
  cells: readonly Cell[]
}

/** Cells carry the full value for sorting; the reader sees few decimals. The first column names the rows. */
export function numberTable(
  description: string,
  columns: readonly string[],
  rows: readonly Row[],
  foot?: Row,
): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${description}">
    <table data-sortable>
      <thead>
        <tr>
          ${columns.map((title) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ name, head, cells }) =>
            html`<tr>
              <th scope="row" data-value="${name}">${head}</th>
              ${cells.map((one) => cell(one))}
            </tr>`,
        )}
      </tbody>
      ${
        foot &&
        html`<tfoot>
          <tr>
            <th scope="row">${foot.head}</th>
            ${foot.cells.map((one) => cell(one, ''))}
          </tr>
        </tfoot>`
      }
    </table>
  </div>`
}

function cell({ value, interval, format = formatScore, bar, aside }: Cell, nothing = NO_VALUE): Html {
  if (value === null) return html`<td data-value="">${nothing}</td>`
  const under = interval === null ? 'too few cases' : interval && formatInterval(interval, format)
  const length = bar === undefined ? null : Math.min(1, Math.max(0, bar)).toFixed(3)
  return html`<td data-value="${value}">
    ${format(value)} ${aside !== undefined && html`<small class="share-of">${aside}</small>`}
    ${under !== undefined && html`<small class="interval">${under}</small>`}
    ${length !== null && html`<span class="bar"><i style="--share: ${length}"></i></span>`}
  </td>`
}
