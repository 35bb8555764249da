import type { Dataset } from '../dataset.js'
import { filesOf, sourceOf } from '../source.js'
import { evenlyFrom } from './evenly.js'
import { askImages, type ImageJobOptions } from './image-jobs.js'

/** Some images of one label. */
export interface ContactRow {
  /** Null for the images that have no label. */
  label: string | null
  /** Images that have it in all. */
  positives: number
  images: readonly ContactImage[]
}

export interface ContactImage {
  /** As the data set names it. */
  image: string
  patient: string | null
  /** What else it has. */
  others: readonly string[]
  /** A small JPEG. */
  picture: Uint8Array
}

/**
 * A few images of every label, the most frequent label first and images without any label last: evenly drawn, of
 * different patients where there are enough. Files that cannot be read are left out.
 *
 * @param each images a label
 * @throws PluradError where a reading thread dies
 */
export async function contactSheet(
  { labels, samples }: Pick<Dataset, 'labels' | 'samples'>,
  each: number,
  options: ImageJobOptions,
): Promise<ContactRow[]> {
  const having = labels.map((label, index) => ({
    label,
    rows: samples.flatMap(({ labels: values }, row) => (values[index] === 1 ? [row] : [])),
  }))
  having.sort((a, b) => b.rows.length - a.rows.length)
  const without = samples.flatMap(({ labels: values }, row) => (values.includes(1) ? [] : [row]))
  const chosen = [...having, { label: null, rows: without }]
    .filter(({ rows }) => rows.length > 0)
    .map(({ label, rows }) => ({
      label,
      positives: rows.length,
      rows: chooseRows(rows, each, (row) => samples[row].patient),
    }))
  const wanted = [...new Set(chosen.flatMap(({ rows }) => rows))].sort((a, b) => a - b)
  const references = wanted.map((row) => filesOf(sourceOf(samples[row]))[0] ?? '')
  const pictures = new Map<number, Uint8Array>()
  await askImages('contact', references, options, (index, answer) => {
    if ('value' in answer) pictures.set(wanted[index], answer.value)
  })
  return chosen.map(({ label, positives, rows }) => ({
    label,
    positives,
    images: rows.flatMap((row) => {
      const picture = pictures.get(row)
      if (picture === undefined) return []
      const { image, patient, labels: values } = samples[row]
      const others = labels.filter((other, index) => values[index] === 1 && other !== label)
      return [{ image, patient, others, picture }]
    }),
  }))
}

/** Evenly drawn from one row a patient; where that does not give enough, from all. */
function chooseRows(
  rows: readonly number[],
  each: number,
  patientOf: (row: number) => string | null,
): number[] {
  const seen = new Set<string>()
  const first = rows.filter((row) => {
    const patient = patientOf(row)
    if (patient === null) return true
    if (seen.has(patient)) return false
    seen.add(patient)
    return true
  })
  return evenlyFrom(first.length >= each ? first : rows, each)
}
