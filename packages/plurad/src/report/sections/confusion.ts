import { confusionAt } from '../../metrics/index.js'
import type { Evaluated } from '../evaluated.js'
import { confusionFigure, type LabelConfusion } from '../figures/confusion.js'
import type { Figure } from '../figures/figure.js'
import { formatCount } from '../format.js'
import { breakable, html, type Html } from '../html.js'
import { levelGrid } from '../parts.js'
import { numberTable } from '../table.js'
import { thresholdWords } from '../words.js'

/** What decisions at the thresholds are worth; null where there are none. */
export async function confusionSection(
  evaluated: Evaluated,
): Promise<{ body: Html; figures: Figure[] } | null> {
  const labels = (evaluated.measured?.columns ?? []).flatMap((column): LabelConfusion[] => {
    if (column.threshold === null || column.positives + column.negatives === 0) return []
    return [
      { label: column.label, threshold: column.threshold, outcomes: confusionAt(column, column.threshold) },
    ]
  })
  if (labels.length === 0) return null
  const { widths, ...figure } = await confusionFigure(labels)
  const count = (value: number) => ({ value, format: (of: number | null) => formatCount(of ?? 0) })
  const rows = labels.map(({ label, threshold, outcomes: o }) => ({
    name: label,
    head: breakable(label),
    cells: [
      { value: threshold },
      count(o.truePositives),
      count(o.falseNegatives),
      count(o.falsePositives),
      count(o.trueNegatives),
    ],
  }))
  const columns = ['Label', 'Threshold', 'Found', 'Missed', 'False alarms', 'Rightly negative']
  const body = html`<p class="note">
      ${thresholdWords(evaluated)} Present is what scores at least the threshold. Precision, recall and
      specificity with their intervals stand in the table of every label.
    </p>
    ${levelGrid(
      'Decisions of each label',
      figure.panels.map((panel, i) => ({ ...panel, width: widths[i] })),
    )}
    <details>
      <summary>Counts</summary>
      ${numberTable('Confusion per label', columns, rows)}
    </details>`
  return { body, figures: [figure] }
}
