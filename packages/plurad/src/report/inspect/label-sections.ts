import { groupLimits } from '../../data/inspect/label-groups.js'
import type { RowSummary } from '../../data/inspect/row-summary.js'
import { coOccurrenceFigure } from '../figures/co-occurrence.js'
import { formatCount, formatPercent, formatPlural, NO_VALUE } from '../format.js'
import { breakable, html, type Html } from '../html.js'
import { countBars, frequencyFigure } from './figures.js'
import { barFigures } from './parts.js'

export const SPLIT_NAMES = { train: 'Training', val: 'Validation', test: 'Test', none: 'No split' } as const

/** How often every label is, by itself and in every split. */
export async function labelSection(rows: RowSummary): Promise<Html> {
  const { labels, grouping, labels_a_row: counts } = rows
  const { head, tail } = groupLimits[grouping]
  const limit = (value: number) => (grouping === 'share' ? `${100 * value}%` : formatCount(value))
  const groups = [
    { group: 'head', text: `head, from ${limit(head)} on` },
    { group: 'medium', text: 'medium' },
    { group: 'tail', text: `tail, below ${limit(tail)}` },
  ]
  return html`<p class="legend">
      ${groups.map(({ group, text }) => html`<span><i class="key" style="--of: var(--${group})"></i>${text}</span>`)}
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Label frequencies">
      ${await frequencyFigure(rows)}
    </div>
    ${labelTable(rows)}
    ${await barFigures([{ title: 'Labels a row', bars: countBars(counts, 0), x: 'labels', y: 'rows' }])}
    ${
      rows.unknown_values > 0 &&
      html`<p class="note">
        ${formatCount(rows.unknown_values)} of ${formatCount(rows.rows * labels.length)} label values are not
        known, in ${formatPlural(rows.rows_with_unknown, 'row')}.
      </p>`
    }`
}

function labelTable({ labels, patients, splits, unknown_values: unknown }: RowSummary): Html {
  const parts = splits ?? []
  const number = (value: number) => html`<td data-value="${value}">${formatCount(value)}</td>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Labels">
    <table data-sortable>
      <thead>
        <tr>
          <th scope="col">Label</th>
          <th scope="col">Rows</th>
          <th scope="col">Share</th>
          ${patients !== null && html`<th scope="col">Patients</th>`}
          ${unknown > 0 && html`<th scope="col">Unknown</th>`}
          ${parts.map(({ split }) => html`<th scope="col">${SPLIT_NAMES[split]}</th>`)}
          <th scope="col">Group</th>
        </tr>
      </thead>
      <tbody>
        ${labels.map(
          (label, index) =>
            html`<tr>
              <td data-value="${label.label}">${breakable(label.label)}</td>
              ${number(label.positives)}
              <td data-value="${label.share ?? ''}">
                ${label.share === null ? NO_VALUE : formatPercent(label.share)}
              </td>
              ${label.patients !== null && number(label.patients)} ${unknown > 0 && number(label.unknown)}
              ${parts.map(({ positives }) => number(positives[index]))}
              <td data-value="${label.group}">${label.group}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** Which labels come together. */
export async function togetherSection({ labels, together, known }: RowSummary): Promise<Html> {
  const names = labels.map(({ label }) => label)
  const {
    figure,
    darkest,
    numbers,
    labels: shown,
  } = await coOccurrenceFigure({ labels: names, together, known })
  const number = numbers ? ', and their number below it; the diagonal holds the rows with the label' : ''
  return html`<p class="note">
      Of the rows with the row’s label, the share that also has the column’s${number}. The strongest cell is
      ${formatPercent(darkest)}.
      ${shown < names.length && `The ${shown} most frequent of ${names.length} labels are shown.`}
    </p>
    <figure class="scroll" tabindex="0">${figure}</figure>`
}
