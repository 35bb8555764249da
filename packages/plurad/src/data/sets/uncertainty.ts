/** What becomes of values that a report's labeller gave as uncertain (-1): CheXpert's policies. */
import { z } from 'zod'
import type { Dataset, LabelValue } from '../dataset.js'
import { fingerprint } from './assemble.js'
import { labelColumn, labelWords } from './label-words.js'
import type { NamedLabel } from './relabel.js'
import type { OfRow } from './row-parts.js'
import { columnIndex, type CodedColumn, type Table } from './table.js'

/**
 * Irvin et al., CheXpert, AAAI 2019, section 3; `mixed` is the choice of Yuan et al., Large-scale Robust Deep AUC
 * Maximization, ICCV 2021, whose LibAUC trains on five labels.
 */
const policies = ['u-ignore', 'u-zeros', 'u-ones', 'u-multiclass', 'u-selftrained', 'mixed'] as const

type Policy = (typeof policies)[number]

export const uncertaintySettings = {
  policy: z
    .enum(policies)
    .default('u-ignore')
    .describe(
      'uncertain values: unknown (u-ignore), absent (u-zeros), present (u-ones), a label of their own (u-multiclass), unknown ' +
        'until a teacher fills them in (u-selftrained), or present for Edema and Atelectasis and absent for the others (mixed)',
    ),
  blank: z
    .enum(['zero', 'unknown'])
    .default('zero')
    .describe('a finding that the report does not mention: absent (zero) or unknown'),
}

interface UncertaintySettings {
  policy: Policy
  blank: 'zero' | 'unknown'
}

/** Labels that the mixed policy takes for present where they are uncertain. */
const MIXED_ONES = new Set(['Edema', 'Atelectasis'])

const NO_FINDING = 'No Finding'

/**
 * Label columns with 1, 0, -1 and blanks under a policy.
 *
 * `u-multiclass` keeps the three classes of each label as two columns: the label itself, present or not, and
 * `<label> (uncertain)`; absent is where neither is present. `No Finding` is never uncertain and has no such column.
 *
 * @throws DataError naming the cell for any other value
 */
export function uncertainLabels(
  table: Table,
  names: readonly string[],
  { policy, blank }: UncertaintySettings,
): NamedLabel[] {
  const absent = blank === 'zero' ? 0 : null
  const column = (name: string, uncertain: LabelValue): NamedLabel['column'] =>
    labelColumn(table, columnIndex(table, name), labelWords({ '-1': uncertain, '': absent }))
  const labels = names.map((name) => ({ name, column: column(name, valueOf(policy, name)) }))
  if (policy !== 'u-multiclass') return labels
  const words = labelWords({ '-1': 1, 1: 0, '': absent })
  const doubtful = names.filter((name) => name !== NO_FINDING)
  return [
    ...labels,
    ...doubtful.map((name) => ({
      name: `${name} (uncertain)`,
      column: labelColumn(table, columnIndex(table, name), words),
    })),
  ]
}

function valueOf(policy: Policy, label: string): LabelValue {
  switch (policy) {
    case 'u-ones':
      return 1
    case 'u-zeros':
    case 'u-multiclass':
      return 0
    case 'mixed':
      return MIXED_ONES.has(label) ? 1 : 0
    case 'u-ignore':
    case 'u-selftrained':
      return null
  }
}

/**
 * Which values are uncertain, for `Dataset.uncertain`.
 *
 * @param columns the columns with -1, each under the name of the label that it is or is merged into
 */
export function uncertainCells(
  dataset: Dataset,
  image: OfRow<string>,
  columns: readonly { label: string; coded: CodedColumn }[],
): NonNullable<Dataset['uncertain']> {
  const sampleOf = new Map(dataset.samples.map((sample, index) => [sample.image, index]))
  const found = new Map<string, readonly [number, number]>()
  for (const { label: name, coded } of columns) {
    const label = dataset.labels.indexOf(name)
    if (label < 0) continue
    const uncertain = coded.texts.map((text) => Number(text) === -1)
    coded.codes.forEach((code, row) => {
      const sample = uncertain[code] ? sampleOf.get(image(row)) : undefined
      // Merged with a label that is present, it is no longer in doubt.
      if (sample !== undefined && dataset.samples[sample].labels[label] === null) {
        found.set(`${sample} ${label}`, [sample, label])
      }
    })
  }
  return [...found.values()]
}

/**
 * A data set whose uncertain values a teacher has filled in: the U-SelfTrained policy. What the teacher leaves null
 * stays uncertain.
 *
 * @param decide the teacher's decision on a label of a sample
 */
export function fillUncertain(
  dataset: Dataset,
  decide: (sample: number, label: number) => LabelValue,
): Dataset {
  const samples = [...dataset.samples]
  const uncertain = (dataset.uncertain ?? []).filter(([sample, label]) => {
    const value = decide(sample, label)
    if (value === null) return true
    samples[sample] = { ...samples[sample], labels: samples[sample].labels.with(label, value) }
    return false
  })
  return { ...dataset, samples, uncertain, fingerprint: fingerprint(dataset.labels, samples) }
}
