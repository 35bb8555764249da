/** What the table of a data set holds; no image is opened for it. */
import type { Dataset, Sample, Split } from '../dataset.js'
import { filesOf, sourceOf } from '../source.js'
import { splits } from '../split.js'
import { frequencyGroup, type FrequencyGroup, type Grouping } from './label-groups.js'

export interface LabelSummary {
  label: string
  /** Rows that have the label, that have not, and of which it is not known. */
  positives: number
  negatives: number
  unknown: number
  /** Of the rows of which it is known, those that have it; null where none is known. */
  share: number | null
  /** Distinct patients that have it; null where no row names a patient. */
  patients: number | null
  group: FrequencyGroup
}

/** A number that rows have, such as the age: how many have it, and quartiles. */
export interface NumberSummary {
  known: number
  unknown: number
  /** Least, first quartile, median, third quartile, greatest; null where none is known. */
  quartiles: readonly [number, number, number, number, number] | null
  /** Rows by decade, the first from 0 to below 10. */
  decades: readonly number[]
}

/** Values of a column with the rows that have them, the most frequent first. */
export interface ValueCounts {
  values: readonly { value: string; rows: number }[]
  unknown: number
}

export interface SplitSummary {
  split: Split | 'none'
  rows: number
  /** Distinct patients; null where no row names one. */
  patients: number | null
  /** [C] rows that have each label. */
  positives: readonly number[]
}

export interface RowSummary {
  rows: number
  /** Image files; more than rows where a row has several. */
  images: number
  /** Rows that cannot be used, such as without a file. */
  skipped: number
  /** Distinct patients; null where no row names one. */
  patients: number | null
  rows_without_patient: number
  /** Patients with several rows, and the most rows of one. */
  patients_with_several: number
  most_rows_of_a_patient: number
  /** Patients by the number of their rows; index 0 is none. */
  rows_a_patient: readonly number[]
  /** In the order of the data set. */
  labels: readonly LabelSummary[]
  /** What `group` of the labels goes by. */
  grouping: Grouping
  /** Positives of the most frequent label over those of the rarest that occurs; null where none does. */
  imbalance: number | null
  /** Rows by the number of labels that they have; index 0 is none. */
  labels_a_row: readonly number[]
  /** Labels a row, on average. */
  mean_labels: number
  /** [C][C] rows that have both labels; the diagonal has the label's own. */
  together: readonly (readonly number[])[]
  /** [C][C] rows that have the row's label and of which the column's is known. */
  known: readonly (readonly number[])[]
  /** Label values that are not known, and rows with at least one. */
  unknown_values: number
  rows_with_unknown: number
  age: NumberSummary
  sex: ValueCounts
  view: ValueCounts
  /** Null where the data set gives no split. */
  splits: readonly SplitSummary[] | null
}

type Rows = Pick<Dataset, 'labels' | 'samples' | 'skipped'>

export function summariseRows(dataset: Rows, grouping: Grouping = 'share'): RowSummary {
  const { samples, skipped } = dataset
  const named = samples.some(({ patient }) => patient !== null)
  const labels = labelSummaries(dataset, grouping, named)
  const occurring = labels.map(({ positives }) => positives).filter((positives) => positives > 0)
  const rowsOf = rowsByPatient(samples)
  const several = [...rowsOf.values()].filter((rows) => rows > 1).length
  const labelsARow = countUp(samples.map((sample) => present(sample).length))
  const withUnknown = samples.filter((sample) => sample.labels.includes(null))
  return {
    rows: samples.length,
    images: samples.reduce((sum, sample) => sum + filesOf(sourceOf(sample)).length, 0),
    skipped: skipped.length,
    patients: named ? rowsOf.size : null,
    rows_without_patient: samples.filter(({ patient }) => patient === null).length,
    patients_with_several: several,
    most_rows_of_a_patient: greatest(rowsOf.values()),
    rows_a_patient: countUp([...rowsOf.values()]),
    labels,
    grouping,
    imbalance: occurring.length === 0 ? null : greatest(occurring) / Math.min(...occurring),
    labels_a_row: labelsARow,
    mean_labels: labelsARow.reduce((sum, rows, count) => sum + rows * count, 0) / Math.max(1, samples.length),
    ...coOccurrence(dataset),
    unknown_values: labels.reduce((sum, { unknown }) => sum + unknown, 0),
    rows_with_unknown: withUnknown.length,
    age: ages(samples),
    sex: valueCounts(samples.map(({ metadata }) => metadata.sex)),
    view: valueCounts(samples.map(({ metadata }) => metadata.view)),
    splits: splitSummaries(dataset, named),
  }
}

/** Indices of the labels that a row has. */
function present({ labels }: Sample): number[] {
  return labels.flatMap((value, label) => (value === 1 ? [label] : []))
}

function labelSummaries({ labels, samples }: Rows, grouping: Grouping, named: boolean): LabelSummary[] {
  return labels.map((label, index) => {
    let [positives, negatives] = [0, 0]
    const patients = new Set<string>()
    for (const { labels: values, patient } of samples) {
      if (values[index] === 1) {
        positives++
        if (patient !== null) patients.add(patient)
      } else if (values[index] === 0) negatives++
    }
    const known = positives + negatives
    return {
      label,
      positives,
      negatives,
      unknown: samples.length - known,
      share: known === 0 ? null : positives / known,
      patients: named ? patients.size : null,
      group: frequencyGroup(positives, known, grouping),
    }
  })
}

function rowsByPatient(samples: readonly Sample[]): Map<string, number> {
  const rows = new Map<string, number>()
  for (const { patient } of samples) if (patient !== null) rows.set(patient, (rows.get(patient) ?? 0) + 1)
  return rows
}

function coOccurrence({ labels, samples }: Rows): Pick<RowSummary, 'together' | 'known'> {
  const square = (): number[][] => labels.map(() => labels.map(() => 0))
  const [together, known] = [square(), square()]
  for (const sample of samples) {
    const having = present(sample)
    for (const row of having) {
      for (const column of having) together[row][column]++
      sample.labels.forEach((value, column) => {
        if (value !== null) known[row][column]++
      })
    }
  }
  return { together, known }
}

function ages(samples: readonly Sample[]): NumberSummary {
  const known = samples.flatMap(({ metadata }) => (metadata.age === null ? [] : [metadata.age]))
  known.sort((a, b) => a - b)
  const at = (share: number): number => known[Math.round(share * (known.length - 1))]
  return {
    known: known.length,
    unknown: samples.length - known.length,
    quartiles: known.length === 0 ? null : [at(0), at(0.25), at(0.5), at(0.75), at(1)],
    decades: countUp(known.map((age) => Math.floor(age / 10))),
  }
}

function valueCounts(values: readonly (string | null)[]): ValueCounts {
  const counts = new Map<string, number>()
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1)
  const known = [...counts].map(([value, rows]) => ({ value, rows }))
  known.sort((a, b) => b.rows - a.rows || (a.value < b.value ? -1 : 1))
  return { values: known, unknown: values.filter((value) => value === null).length }
}

function splitSummaries({ labels, samples }: Rows, named: boolean): SplitSummary[] | null {
  if (samples.every(({ split }) => split === undefined)) return null
  return [...splits, 'none' as const].flatMap((split) => {
    const rows = samples.filter((sample) => (sample.split ?? 'none') === split)
    if (rows.length === 0) return []
    const positives = labels.map(
      (_, label) => rows.filter(({ labels: values }) => values[label] === 1).length,
    )
    return [{ split, rows: rows.length, patients: named ? rowsByPatient(rows).size : null, positives }]
  })
}

/** How often each whole number occurs, from 0 to the greatest. */
function countUp(numbers: readonly number[]): number[] {
  const counts = new Array<number>(greatest(numbers) + 1).fill(0)
  for (const number of numbers) counts[number]++
  return counts
}

/** Of nothing, 0. */
function greatest(numbers: Iterable<number>): number {
  let most = 0
  for (const number of numbers) if (number > most) most = number
  return most
}
