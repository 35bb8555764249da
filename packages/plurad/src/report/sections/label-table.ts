import type { LabelMetricName } from '../../metrics/index.js'
import { labelInterval, meanInterval, type Evaluated } from '../evaluated.js'
import { formatCount, formatPercent } from '../format.js'
import { breakable, html, type Html } from '../html.js'
import { numberTable, type Cell, type Row } from '../table.js'
import { intervalWords, thresholdWords } from '../words.js'

type Column = { title: string; of: LabelMetricName | 'threshold' }

const COLUMNS: Column[] = [
  { title: 'AUC', of: 'auc' },
  { title: 'Average precision', of: 'average_precision' },
  { title: 'F1', of: 'f1' },
  { title: 'Threshold', of: 'threshold' },
  { title: 'Precision', of: 'precision' },
  { title: 'Recall', of: 'recall' },
  { title: 'Specificity', of: 'specificity' },
]

/** Every number of every label, with its interval. */
export function labelTableSection(evaluated: Evaluated): Html {
  const { labels, macro } = evaluated.metrics
  const rows = labels.map((label): Row => {
    const known = label.positives + label.negatives
    const cells = COLUMNS.map(({ of }): Cell => {
      const value = label[of]
      if (of === 'threshold') return { value }
      const barred = of === 'auc' || of === 'average_precision' || of === 'f1'
      return {
        value,
        interval: labelInterval(evaluated, label.label, of),
        // The bar of an AUC starts at chance, 0.5; the others at 0.
        ...(barred && value !== null ? { bar: of === 'auc' ? 2 * value - 1 : value } : {}),
      }
    })
    const share = known === 0 ? {} : { aside: formatPercent(label.positives / known) }
    return {
      name: label.label,
      head: html`${breakable(label.label)}${label.auc === null && label.note && html`<small>${label.note}</small>`}`,
      cells: [{ value: label.positives, format: (count) => formatCount(count ?? 0), ...share }, ...cells],
    }
  })
  const foot: Row = {
    name: 'Mean',
    head: html`Mean`,
    cells: [
      { value: null },
      ...COLUMNS.map(({ of }): Cell =>
        of === 'threshold'
          ? { value: null }
          : { value: macro[of], interval: meanInterval(evaluated, 'macro', of) },
      ),
    ],
  }
  return html`<p class="note">
      ${thresholdWords(evaluated)} Average precision of a useless model equals the share of positives. A bar
      under an AUC starts at chance, 0.5. ${intervalWords(evaluated)}
    </p>
    ${numberTable('Metrics per label', ['Label', 'Positives', ...COLUMNS.map(({ title }) => title)], rows, foot)}`
}
