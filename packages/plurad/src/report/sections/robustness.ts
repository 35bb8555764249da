import type { Figure } from '../figures/figure.js'
import { robustnessFigure } from '../figures/robustness.js'
import { formatScore, NO_VALUE } from '../format.js'
import { html, type Html } from '../html.js'
import { panelGrid } from '../parts.js'
import type { StoredRobustness } from '../robustness-file.js'
import { numberTable, type Row } from '../table.js'

/** What noise, blur and the like cost. */
export async function robustnessSection(
  robustness: StoredRobustness,
): Promise<{ body: Html; figures: Figure[] } | null> {
  if (robustness.corruptions.length === 0) return null
  const figure = await robustnessFigure(robustness)
  const rows = robustness.corruptions.flatMap(({ name, amount, curve }) =>
    curve.map((level): Row => {
      const change = (of: 'auc' | 'average_precision') => ({
        value: level[of].difference,
        interval: level[of].difference_interval,
        format: signed,
      })
      return {
        name: `${name} ${level.severity}`,
        head: html`${name} ${level.severity} <small>${amount} ${level.amount}</small>`,
        cells: [level.auc, change('auc'), level.average_precision, change('average_precision')],
      }
    }),
  )
  const columns = ['Corruption', 'Mean AUC', 'Difference', 'Mean average precision', 'Difference']
  const body = html`<p class="note">
      The same images with corruptions of rising severity, 0 as they are; bands and small figures are
      intervals. Differences are from the images as they are, on the same samples of the patients.
    </p>
    ${panelGrid(figure.panels)}
    <details>
      <summary>Figures of every severity</summary>
      ${numberTable('Metrics on corrupted images', columns, rows)}
    </details>`
  return { body, figures: [figure] }
}

function signed(value: number | null): string {
  return value === null ? NO_VALUE : `${value < 0 ? '−' : '+'}${formatScore(Math.abs(value))}`
}
