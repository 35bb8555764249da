/** `--by`: figures of groups of images. */
import { readMetadata } from '../../data/metadata-table.js'
import { UsageError } from '../../errors.js'
import { ageAttribute, columnAttribute, type Attribute } from '../../metrics/attributes.js'
import type { Subgroup, SubgroupFigure, Subgroups } from '../../metrics/subgroups.js'
import { withInterval } from '../metrics-table.js'
import { formatTable } from '../table.js'
import { wrapped } from '../wrap.js'
import type { EvaluateFlags } from './flags.js'
import type { Judged } from './judged.js'

const KNOWN = ['sex', 'age', 'view']

/**
 * Before hours of prediction: what can be told without the images.
 *
 * @throws UsageError
 */
export function checkBy({ by, metadata }: EvaluateFlags): void {
  if (by === undefined && metadata !== undefined)
    throw new UsageError('evaluate: --metadata is for --by: name its columns there')
  const unknown = by?.split(',').find((name) => !KNOWN.includes(name.trim()))
  if (metadata !== undefined || unknown === undefined) return
  throw new UsageError(
    `evaluate: --by ${unknown.trim()}: expected ${KNOWN.join(', ')}, or columns of a table that --metadata names`,
  )
}

/**
 * What `--by` names: columns of `--metadata`, else sex, age and view as the data set or the run knows them.
 *
 * @throws UsageError for a name that stands for nothing
 */
export async function attributesOf(
  { by, metadata: file }: EvaluateFlags,
  { predictions, metadata }: Judged,
): Promise<Attribute[]> {
  if (by === undefined) return []
  const table = file === undefined ? null : await readMetadata(file, predictions.images)
  return by.split(',').map((text) => {
    const name = text.trim()
    const column = table?.columns.find((one) => one.toLowerCase() === name.toLowerCase())
    if (table !== null && column !== undefined) return columnAttribute(column, table.cells(column))
    const values = metadata ?? []
    if (values.length > 0 && name === 'age') return ageAttribute(values.map(({ age }) => age))
    if (values.length > 0 && (name === 'sex' || name === 'view'))
      return columnAttribute(
        name,
        values.map((one) => one[name] ?? ''),
      )
    const known = [...(table?.columns ?? []), ...(values.length > 0 ? KNOWN : [])]
    throw new UsageError(
      known.length > 0
        ? `evaluate: --by ${name}: expected ${known.join(', ')}${table === null ? ', or a column of --metadata' : ''}`
        : `evaluate: --by ${name}: nothing is known of these images; name a table of them with --metadata`,
    )
  })
}

/** A table for each attribute, with what to beware of below it. */
export function subgroupTables({ attributes, rule }: Subgroups): string {
  return attributes
    .map(({ name, known, comparable_labels: labels, groups }) => {
      if (known === 0) return `${name}: no image's is known.`
      const table = formatTable(
        [name, 'images', 'patients', 'AUC', 'AP', 'ECE'],
        groups.map((group) => [cut(group.value, 20) + (group.small ? ' !' : ''), ...cells(group)]),
      )
      const what =
        labels.length === 0
          ? [
              `No label has ${rule.positives} positives and ${rule.negatives} negatives in every group, so that no mean can be ` +
                'compared; the figures of every group are in the JSON.',
            ]
          : [
              `Means over the ${labels.length} label(s) with ${rule.positives} positives and negatives in every group: ` +
                `${labels.join(', ')}.`,
            ]
      const small = groups.filter((group) => group.small)
      if (small.length > 0)
        what.push(`! fewer than ${rule.images} images: ${small.map(({ value }) => value).join(', ')}.`)
      return [table, ...what.flatMap((line) => wrapped(line, ''))].join('\n')
    })
    .join('\n\n')
}

function cells({ images, patients, comparable }: Subgroup): (string | number | null)[] {
  const text = ({ value, interval }: SubgroupFigure): string => withInterval(value, interval)
  return [images, patients, text(comparable.auc), text(comparable.average_precision), text(comparable.ece)]
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
