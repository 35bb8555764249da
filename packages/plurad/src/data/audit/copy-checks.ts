/** What copies mean: leakage between splits, patients under two ids, labels that contradict each other. */
import type { Copies, NearCopies } from './copies.js'
import { counted, type Finding, type Outcome } from './finding.js'
import type { Subject } from './subject.js'

type Relation = 'splits' | 'patients' | 'patient'

/** The most serious relation of the rows that a picture stands in. */
function relationOf(subject: Subject, copies: Copies): Relation {
  const distinct = <T>(of: (image: number) => T) => new Set(copies.map(of)).size
  const given = new Set(copies.map((image) => subject.split(image)).filter((split) => split !== undefined))
  if (given.size > 1) return 'splits'
  // Rows without a patient are patients of their own for every split.
  const patient = (image: number) => subject.patient(image) ?? subject.images[image].row
  return distinct(patient) > 1 ? 'patients' : 'patient'
}

function found(
  subject: Subject,
  severity: Finding['severity'],
  groups: readonly Copies[],
  what: string,
  advice: string,
): Finding {
  const images = groups.flat()
  return {
    severity,
    count: images.length,
    summary: `${counted(images.length, 'image')} ${what} (${counted(groups.length, 'picture')})`,
    advice,
    items: groups.map((copies) => subject.describeCopies(copies)),
    images: subject.names(images),
    references: groups.map((copies) => subject.each(copies).flat()),
  }
}

export function copiesAcrossSplits(subject: Subject, copies: readonly Copies[]): Outcome | null {
  if (!subject.isSplit) return null
  const groups = copies.filter((group) => relationOf(subject, group) === 'splits')
  if (groups.length === 0) return { passed: 'no picture is in two splits' }
  return found(
    subject,
    'error',
    groups,
    'are exact copies in different splits',
    'A model would be tested on pictures that it has seen. Keep one row of each, or bring its copies into one split.',
  )
}

export function copiesAcrossPatients(subject: Subject, copies: readonly Copies[]): Outcome {
  const groups = copies.filter((group) => relationOf(subject, group) === 'patients')
  if (groups.length === 0) return { passed: 'no picture stands under two patients' }
  return found(
    subject,
    'warning',
    groups,
    `are exact copies ${ofWhom(subject, groups)}`,
    'A split by patient can part them and so leak. Keep one row of each, or give its copies one patient.',
  )
}

export function copiesOfOnePatient(subject: Subject, copies: readonly Copies[]): Outcome {
  const groups = copies.filter((group) => relationOf(subject, group) === 'patient')
  if (groups.length === 0) return { passed: 'no patient has a picture twice' }
  return found(
    subject,
    'note',
    groups,
    'are exact copies of one patient, on one side of every split',
    'Nothing leaks; the picture counts more than once. Keep one row of each if it should not.',
  )
}

export function contradictingCopies(subject: Subject, copies: readonly Copies[]): Outcome {
  const { labels } = subject.dataset
  const contradictions = (group: Copies): string[] =>
    labels.filter((_, label) => {
      const values = new Set(group.map((image) => subject.sample(image).labels[label]))
      return values.has(0) && values.has(1)
    })
  const groups = copies
    .map((group) => ({ group, contradicted: contradictions(group) }))
    .filter(({ contradicted }) => contradicted.length > 0)
  if (groups.length === 0) return { passed: 'no copies have labels that contradict each other' }
  const images = groups.flatMap(({ group }) => group)
  return {
    severity: 'warning',
    count: groups.length,
    summary: `${counted(groups.length, 'picture')} with copies whose labels contradict each other`,
    advice: 'At least one of the rows is wrong. Decide which, and take the others out.',
    items: groups.map(
      ({ group, contradicted }) => `${subject.describeCopies(group)}: ${contradicted.join(', ')}`,
    ),
    images: subject.names(images),
    references: groups.map(({ group }) => subject.each(group).flat()),
  }
}

export function nearCopiesAcrossSplits(
  subject: Subject,
  { groups, notCompared }: NearCopies,
): Outcome | null {
  if (!subject.isSplit) return null
  const across = groups.filter((group) => relationOf(subject, group) === 'splits')
  if (across.length === 0) return { passed: `no near copies are in two splits${left(notCompared)}` }
  return found(
    subject,
    'warning',
    across,
    `are nearly the same in different splits${left(notCompared)}`,
    'Look at them. The same picture again, or the same eye or chest on another day: keep it on one side of the split.',
  )
}

export function nearCopiesAcrossPatients(subject: Subject, { groups, notCompared }: NearCopies): Outcome {
  const across = groups.filter((group) => relationOf(subject, group) === 'patients')
  if (across.length === 0) return { passed: `no near copies stand under two patients${left(notCompared)}` }
  return found(
    subject,
    'warning',
    across,
    `are nearly the same ${ofWhom(subject, across)}${left(notCompared)}`,
    'Look at them. If they show one patient, give them one patient id: a split could part them.',
  )
}

function ofWhom(subject: Subject, groups: readonly Copies[]): string {
  const unnamed = groups.flat().some((image) => subject.patient(image) === null)
  return unnamed
    ? 'in rows of which it is not known whether they are of one patient'
    : 'under different patients'
}

function left(pairs: number): string {
  return pairs === 0 ? '' : `; ${counted(pairs, 'further pair')} that look alike were not compared`
}
