/** What the table alone tells: patients, labels, ages. No image is opened for these. */
import type { Split } from '../dataset.js'
import { sharedPatients, splits } from '../split.js'
import { counted, type Outcome } from './finding.js'
import type { Subject } from './subject.js'

export function patientsInSeveralSplits(subject: Subject): Outcome | null {
  if (!subject.isSplit) return null
  const { samples } = subject.dataset
  const rows = samples.flatMap((_, row) => {
    const [split, patient] = [subject.splits[row], subject.patients[row]]
    return split === undefined || patient === null ? [] : [{ row, split, patient }]
  })
  if (rows.length === 0) {
    return {
      notChecked: 'patients across splits: no row names a patient, and file names do not show them',
    }
  }
  const shared = sharedPatients(
    rows.map(({ row, patient }) => ({ ...samples[row], patient })),
    rows.map(({ split }) => split),
  )
  const source = subject.patientsByName ? ' by the file names (the table names no patient)' : ''
  if (shared.size === 0) return { passed: `no patient is in two splits${source}` }
  const first = new Map<string, Map<Split, string>>()
  for (const { row, split, patient } of rows) {
    if (!shared.has(patient)) continue
    const images = first.get(patient) ?? new Map<Split, string>()
    if (!images.has(split)) images.set(split, samples[row].image)
    first.set(patient, images)
  }
  const affected = rows.filter(({ patient }) => shared.has(patient)).map(({ row }) => samples[row].image)
  return {
    severity: 'error',
    count: shared.size,
    summary: `${counted(shared.size, 'patient')} with images in more than one split${source}`,
    advice:
      'Do not use this split: a model would be tested on patients that it has seen. Split anew by patient ' +
      '(plurad data split --ignore-given).',
    items: [...first].map(([patient, images]) => {
      const where = [...images].map(([split, image]) => `${image} (${split})`).join(', ')
      return `${subject.shownPatient(patient)}: ${where}`
    }),
    images: affected,
  }
}

export function unknownPatients(subject: Subject): Outcome {
  const { samples } = subject.dataset
  const without = samples.filter(({ patient }) => patient === null)
  if (without.length === 0) return { passed: 'every row names a patient' }
  const none = without.length === samples.length
  return {
    severity: 'note',
    count: without.length,
    summary: none ? 'no row names a patient' : `${counted(without.length, 'row')} without a patient`,
    advice:
      'Each such row counts as a patient of its own. If a patient can have several images, name the column with the ' +
      'patient: otherwise a split may part them.',
    items: none ? [] : without.map(({ image }) => image),
    images: without.map(({ image }) => image),
  }
}

/** Labels that cannot be learned or measured at all. */
export function oneClassLabels(subject: Subject): Outcome {
  const { labels } = subject.dataset
  const items = labels.flatMap((label, index) => {
    const all = oneClass(subject, index)
    return all === null ? [] : [`${label}: ${all} in all rows`]
  })
  if (items.length === 0) return { passed: 'every label has images with and without it' }
  return {
    severity: 'warning',
    count: items.length,
    summary: `${counted(items.length, 'label')} of ${labels.length} without both classes`,
    advice: 'They can be neither learned nor measured. Leave them out (data.labels).',
    items,
    images: [],
  }
}

/** Labels that have both classes in the data set and only one in a split. */
export function oneClassInSplit(subject: Subject): Outcome | null {
  if (!subject.isSplit) return null
  const { labels } = subject.dataset
  const given = splits.filter((split) => subject.splits.includes(split))
  const found = labels.flatMap((label, index) => {
    if (oneClass(subject, index) !== null) return []
    const lacking = given.flatMap((split) => {
      const why = oneClass(subject, index, split)
      return why === null ? [] : [{ split, why }]
    })
    const kinds = [...new Set(lacking.map(({ why }) => why))]
    const where = kinds.map(
      (kind) => `${kind} in ${lacking.flatMap(({ split, why }) => (why === kind ? [split] : [])).join(', ')}`,
    )
    return where.length === 0 ? [] : [`${label}: ${where.join('; ')}`]
  })
  if (found.length === 0) return { passed: 'every split has both classes of every label' }
  return {
    severity: 'warning',
    count: found.length,
    summary: `${counted(found.length, 'label')} without both classes in some split`,
    advice:
      'A label that train lacks cannot be learned; one that val or test lacks has no AUC there and is left out of means.',
    items: found,
    images: [],
  }
}

/** What a label has instead of both classes; null where it has them. */
function oneClass(
  subject: Subject,
  label: number,
  split?: Split,
): 'absent' | 'always present' | 'unknown' | null {
  let [positives, negatives] = [0, 0]
  subject.dataset.samples.forEach(({ labels }, row) => {
    if (split !== undefined && subject.splits[row] !== split) return
    if (labels[label] === 1) positives++
    else if (labels[label] === 0) negatives++
  })
  if (positives > 0 && negatives > 0) return null
  return positives > 0 ? 'always present' : negatives > 0 ? 'absent' : 'unknown'
}
