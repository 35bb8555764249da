import type { LabelMetrics, MultilabelMetrics } from '../../metrics/index.js'
import { formatCount, formatPercent, formatScore, NO_VALUE } from '../format.js'
import { breakable, html, type Html } from '../html.js'

type Column = { title: string; of: 'auc' | 'average_precision' | 'f1' | 'threshold' | 'precision' | 'recall' }

const COLUMNS: Column[] = [
  { title: 'AUC', of: 'auc' },
  { title: 'Average precision', of: 'average_precision' },
  { title: 'F1', of: 'f1' },
  { title: 'Threshold', of: 'threshold' },
  { title: 'Precision', of: 'precision' },
  { title: 'Recall', of: 'recall' },
]

/** Every number of every label. Cells carry the full value for sorting; the reader sees three decimals. */
export function labelTable({ labels, macro }: MultilabelMetrics): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Metrics per label">
    <table data-sortable>
      <thead>
        <tr>
          <th scope="col">Label</th>
          <th scope="col">Positives</th>
          ${COLUMNS.map(({ title }) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${labels.map(row)}
      </tbody>
      <tfoot>
        <tr>
          <td>Mean</td>
          <td></td>
          ${COLUMNS.map(({ of }) => html`<td>${of === 'threshold' ? '' : formatScore(macro[of])}</td>`)}
        </tr>
      </tfoot>
    </table>
  </div>`
}

function row(label: LabelMetrics): Html {
  const known = label.positives + label.negatives
  const share = known === 0 ? '' : formatPercent(label.positives / known)
  return html`<tr>
    <td data-value="${label.label}">
      ${breakable(label.label)}${label.auc === null && label.note && html`<br /><small>${label.note}</small>`}
    </td>
    <td data-value="${label.positives}">
      ${formatCount(label.positives)} <small class="share-of">${share}</small>
    </td>
    ${COLUMNS.map(({ of }) => cell(of, label[of]))}
  </tr> `
}

function cell(of: Column['of'], value: number | null): Html {
  if (value === null) return html`<td data-value="">${NO_VALUE}</td>`
  // The bar of an AUC starts at chance, 0.5; the others at 0.
  const share = of === 'auc' ? Math.max(0, 2 * value - 1) : value
  const barred = of === 'auc' || of === 'average_precision' || of === 'f1'
  const bar = barred && html`<span class="bar"><i style="--share: ${share.toFixed(3)}"></i></span>`
  return html`<td data-value="${value}">${formatScore(value)}${bar}</td>`
}
