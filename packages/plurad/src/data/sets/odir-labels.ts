/** The labels of ODIR-5K's patients and eyes, by its table and by its keywords. */
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { LabelValue } from '../dataset.js'
import { classesOf, combineEyes, findingsOf, normalAmong, ODIR_LABELS, saysNothing } from './odir-keywords.js'
import type { Eye, Patient } from './odir-patients.js'
import { listed } from './table.js'

/** What becomes a sample: one eye of a patient, or both. */
export interface Subject {
  image: string
  patient: Patient
  eyes: readonly Eye[]
  /** Those of which there is an image. */
  seen: readonly Eye[]
}

/** Names of labels, and what a patient's eyes have of each; null where nothing can be said. */
export interface Labelling {
  labels: readonly string[]
  valuesOf: (eyes: readonly Eye[], patient: Patient) => readonly LabelValue[]
}

/**
 * The eight classes: of both eyes as the table has them, of one by its keywords. Where the table and the keywords of
 * both eyes contradict each other, the class of a single eye is unknown.
 *
 * @param chosen labels to keep, in this order; all when left out
 */
export function classLabels(chosen: readonly string[] = ODIR_LABELS): Labelling {
  const positions = chosen.map((label) => position(label, ODIR_LABELS))
  return {
    labels: chosen,
    valuesOf: (eyes, patient) => {
      if (eyes.length === patient.eyes.length) return positions.map((at) => patient.classes[at])
      const said = classesByKeywords(eyes)
      const doubtful = contradictions(patient)
      return positions.map((at) => (doubtful.includes(at) ? null : said[at]))
    },
  }
}

/** The classes in which the table has something else of a patient than the keywords of both eyes together. */
function contradictions({ eyes, classes }: Patient): number[] {
  const said = classesByKeywords(eyes)
  return [...said.keys()].filter(
    (at) => said[at] !== null && classes[at] !== null && said[at] !== classes[at],
  )
}

function classesByKeywords(eyes: readonly Eye[]): readonly LabelValue[] {
  const told = eyes.filter(({ keywords }) => !saysNothing(keywords))
  if (told.length === 0) return ODIR_LABELS.map(() => null)
  return combineEyes(
    told.map(({ keywords }) => classesOf(keywords)),
    0,
  )
}

/**
 * Each finding that is named of enough samples, the frequent ones first.
 *
 * @param chosen labels to keep, in this order, however rare; those of `least` samples or more when left out
 */
export function keywordLabels(
  subjects: readonly Subject[],
  least: number,
  chosen?: readonly string[],
): Labelling {
  const counts = countFindings(subjects)
  for (const label of chosen ?? []) position(label, [...counts.keys()])
  const frequent = [...counts].filter(([, count]) => count >= least)
  frequent.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const labels = chosen ?? frequent.map(([finding]) => finding)
  if (labels.length === 0) throw new DataError(`No finding has ${least} cases or more: lower min_cases.`)
  const normal = normalAmong(labels)
  return {
    labels,
    valuesOf: (eyes) => {
      const told = eyes.filter(({ keywords }) => !saysNothing(keywords))
      if (told.length === 0) return labels.map(() => null)
      const values = told.map(({ keywords }) => {
        const found = findingsOf(keywords)
        return labels.map((label) => found.get(label) ?? (found.has(label) ? null : 0))
      })
      return combineEyes(values, normal)
    },
  }
}

/** How many samples show each finding that is named anywhere. */
function countFindings(subjects: readonly Subject[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { eyes, seen } of subjects) {
    const shown = new Set<string>()
    for (const eye of eyes.filter(({ keywords }) => !saysNothing(keywords))) {
      for (const [finding, value] of findingsOf(eye.keywords)) {
        if (!counts.has(finding)) counts.set(finding, 0)
        if (value === 1 && seen.includes(eye)) shown.add(finding)
      }
    }
    for (const finding of shown) counts.set(finding, (counts.get(finding) ?? 0) + 1)
  }
  return counts
}

function position(label: string, known: readonly string[]): number {
  const at = known.indexOf(label)
  if (at >= 0) return at
  throw new DataError(`ODIR-5K has no label "${label}". It has ${listed(known)}.${didYouMean(label, known)}`)
}

/** The labels of a sample without those that depend on an eye of which there is no image. */
export function shownLabels(
  { valuesOf }: Labelling,
  { eyes, seen, patient }: Subject,
): readonly LabelValue[] {
  const all = valuesOf(eyes, patient)
  if (seen.length === eyes.length || seen.length === 0) return all
  const shown = valuesOf(seen, patient)
  return all.map((value, label) => (value === shown[label] ? value : null))
}
