import { breakable, html, type Html } from '../html.js'
import type { EnsembleMember } from '../members.js'
import { numberTable, type Row } from '../table.js'
import type { Ensemble } from '../load.js'

const METHODS: Record<string, string> = {
  mean: 'the mean of their probabilities',
  weighted: 'their weighted mean, with weights for each label that were fitted on the validation split',
  rank: 'the mean of their ranks, which is no probability',
  max: 'the highest of their probabilities',
  vote: 'the share of them that call the finding at their own thresholds, which is no probability',
}

/** Who voted, how good each is alone, and how much each counts. */
export function ensembleSection(
  { method, labels, weights }: Ensemble,
  members: readonly EnsembleMember[],
): Html {
  const rows = members.map(({ name, auc, averagePrecision }): Row => ({
    name,
    head: breakable(name),
    cells: [auc, averagePrecision],
  }))
  return html`<p class="note">
      Put together by ${METHODS[method] ?? method}. Figures of each member alone are from its own
      metrics.json, as long as it lies where it was.
    </p>
    ${numberTable('Members', ['Member', 'Macro AUC', 'Macro average precision'], rows)}
    ${
      weights !== null &&
      html`<details>
        <summary>Weights of each label</summary>
        ${numberTable(
          'Weights',
          ['Label', ...members.map(({ name }) => name)],
          labels.map((label, c) => ({
            name: label,
            head: breakable(label),
            cells: members.map((_, m) => ({ value: weights[c]?.[m] ?? null })),
          })),
        )}
      </details>`
    }`
}
