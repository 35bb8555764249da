import { DEFAULT_BOUNDS, LABEL_GROUPS, type LabelGroup, type LabelMetricName } from '../../metrics/index.js'
import { labelInterval, meanInterval, type Evaluated } from '../evaluated.js'
import type { Figure } from '../figures/figure.js'
import { tailFigure } from '../figures/tail.js'
import { formatCount } from '../format.js'
import { html, type Html } from '../html.js'
import { pairGrid } from '../parts.js'
import { numberTable, type Row } from '../table.js'

const COLUMNS: { title: string; of: LabelMetricName }[] = [
  { title: 'AUC', of: 'auc' },
  { title: 'Average precision', of: 'average_precision' },
  { title: 'F1', of: 'f1' },
  { title: 'Precision', of: 'precision' },
  { title: 'Recall', of: 'recall' },
]

const WORDS: Record<LabelGroup, string> = {
  head: `more than ${formatCount(DEFAULT_BOUNDS.head)} training images`,
  medium: `${formatCount(DEFAULT_BOUNDS.tail)} to ${formatCount(DEFAULT_BOUNDS.head)}`,
  tail: `fewer than ${formatCount(DEFAULT_BOUNDS.tail)}`,
}

/** What rare labels get in comparison with frequent ones; null where training counts are not known. */
export async function tailSection(evaluated: Evaluated): Promise<{ body: Html; figures: Figure[] } | null> {
  const { metrics } = evaluated
  const means = evaluated.measured?.metrics.groups ?? metrics.groups
  if (means === undefined) return null
  const figure = await pointsFigure(evaluated)
  const rows = LABEL_GROUPS.flatMap((group): Row[] => {
    const of = means[group]
    if (of === undefined) return []
    return [
      {
        name: group,
        head: html`<i class="key" style="--of: var(--${group})"></i>${group} <small>${WORDS[group]}</small>`,
        cells: [
          { value: of.labels.length, format: (count) => formatCount(count ?? 0) },
          ...COLUMNS.map(({ of: name }) => ({
            value: of[name],
            interval: meanInterval(evaluated, group, name),
          })),
        ],
      },
    ]
  })
  const body = html`<p class="note">
      Labels by how many training images show them; means over the labels of a group.
      ${figure !== null && 'Bars are intervals, the dotted line is chance.'}
    </p>
    ${numberTable('Metrics of head, medium and tail', ['Group', 'Labels', ...COLUMNS.map(({ title }) => title)], rows)}
    ${figure !== null && pairGrid(figure.panels.map(({ title, svg }) => ({ title: `${title} by training images`, svg })))}`
  return { body, figures: figure === null ? [] : [figure] }
}

/** Null where it is not known how many training images each label has. */
async function pointsFigure(evaluated: Evaluated): Promise<Figure | null> {
  const { trainingCounts, groups, metrics } = evaluated
  if (trainingCounts === null || groups === null) return null
  return tailFigure(
    metrics.labels.map((label, c) => ({
      label: label.label,
      count: trainingCounts[c],
      group: groups[c],
      values: (['auc', 'average_precision'] as const).map((name) => ({
        value: label[name],
        interval: labelInterval(evaluated, label.label, name) ?? null,
      })),
    })),
    [
      { name: 'auc', title: 'AUC', chance: 0.5 },
      { name: 'average_precision', title: 'Average precision', chance: null },
    ],
  )
}
