import type { Figure } from '../figures/figure.js'
import { subgroupFigure } from '../figures/subgroups.js'
import { formatCount, formatError, formatList, formatPlural, formatScore } from '../format.js'
import { breakable, html, type Html } from '../html.js'
import { pairGrid } from '../parts.js'
import type { StoredAttribute, StoredSubgroups } from '../subgroups-file.js'
import { numberTable, type Row } from '../table.js'

const COLUMNS = [
  { title: 'AUC', of: 'auc', format: formatScore },
  { title: 'Average precision', of: 'average_precision', format: formatScore },
  { title: 'F1', of: 'f1', format: formatScore },
  { title: 'Brier score', of: 'brier', format: formatError },
  { title: 'Calibration error', of: 'ece', format: formatError },
] as const

/** Whether the model is as good for one group of patients as for another; null where nothing tells them apart. */
export async function subgroupSection({
  attributes,
}: StoredSubgroups): Promise<{ body: Html; figures: Figure[] } | null> {
  if (attributes.length === 0) return null
  const shown = attributes.filter(({ comparable_labels: labels }) => labels.length > 0)
  const figures = await Promise.all([
    subgroupFigure(shown, 'auc', 'mean AUC'),
    subgroupFigure(shown, 'average_precision', 'mean average precision'),
  ])
  const body = html`<p class="note">
      Means over the labels that have enough positives and negatives in every group that is not small, so that
      groups are compared on the same labels; pale groups are small. A group in which a finding is more
      frequent has a higher average precision whatever the model.
    </p>
    ${attributes.map((attribute) => {
      const at = shown.indexOf(attribute)
      return html`<h3>By ${attribute.name} ${comparedOn(attribute)}</h3>
        ${
          at >= 0 &&
          pairGrid(
            figures.map(({ panels, title }) => ({
              title: title.replace(' by subgroup', '').replace(/^m/, 'M'),
              svg: panels[at].svg,
            })),
          )
        }
        ${attributeTable(attribute)}`
    })}`
  return { body, figures: shown.length === 0 ? [] : figures }
}

function comparedOn({ comparable_labels: labels }: StoredAttribute): Html {
  return html`<small>
    ${labels.length === 0 ? 'no label can be compared' : `${formatPlural(labels.length, 'label')}: ${formatList(labels)}`}
  </small>`
}

function attributeTable({ name, groups }: StoredAttribute): Html {
  const columns = COLUMNS.filter(({ of }) => groups.some(({ comparable }) => comparable[of].value !== null))
  const rows = groups.map(({ value, images, patients, small, comparable }): Row => ({
    name: value,
    head: html`${breakable(value)}${small && html` <small>small</small>`}`,
    cells: [
      { value: images, format: (count) => formatCount(count ?? 0) },
      { value: patients, format: (count) => formatCount(count ?? 0) },
      ...columns.map(({ of, format }) => ({ ...comparable[of], format })),
    ],
  }))
  const notes = groups.flatMap(({ value, notes: said }) => said.map((note) => `${value}: ${note}`))
  return html`${numberTable(
    `Metrics by ${name}`,
    [name, 'Images', 'Patients', ...columns.map(({ title }) => title)],
    rows,
  )}
  ${
    notes.length > 0 &&
    html`<details>
      <summary>${formatPlural(notes.length, 'warning')} on the groups</summary>
      <ul class="note">
        ${notes.map((note) => html`<li>${note}</li>`)}
      </ul>
    </details>`
  }`
}
