import type { Dataset, Split } from '../dataset.js'
import { splits } from '../split.js'
import type { ImageReading } from '../inspect/image-facts.js'
import { askImages } from '../inspect/image-jobs.js'
import { exactCopies, nearCopies } from './copies.js'
import {
  contradictingCopies,
  copiesAcrossPatients,
  copiesAcrossSplits,
  copiesOfOnePatient,
  nearCopiesAcrossPatients,
  nearCopiesAcrossSplits,
} from './copy-checks.js'
import { FactsTable } from './facts-table.js'
import { damagedFiles, filesWithoutRows, impossibleAges, rowsWithoutFiles } from './file-checks.js'
import { severities, type Finding, type Outcome } from './finding.js'
import { emptyImages, invertedImages, looksOf, turnedImages } from './look-checks.js'
import { outsideWindow, readerWarnings } from './reader-checks.js'
import { oneClassInSplit, oneClassLabels, patientsInSeveralSplits, unknownPatients } from './row-checks.js'
import { Subject } from './subject.js'

export interface AuditOptions extends Partial<ImageReading> {
  /** The folder or table that the data set was opened from: its other files and its raw ages are looked at too. */
  location: string
  /** The folder that image references start from, if that was said. */
  images?: string | undefined
  /** A split instead of the data set's own, one a row. */
  assignment?: readonly Split[] | undefined
  /** `false` checks the rows alone and opens no image. */
  pixels?: boolean | undefined
  /** Threads that read images; 0 reads in the calling one. */
  workers?: number | undefined
  /** Findings may name patients. */
  withIds?: boolean | undefined
  onProgress?: ((what: string, done: number, total: number) => void) | undefined
}

/** Null where a check does not apply. */
type NamedOutcome = readonly [check: string, outcome: Outcome | null]

export interface NamedFinding extends Finding {
  /** Name of the check, such as `patients-in-several-splits`. */
  check: string
}

export interface Audit {
  /** The data set's name. */
  name: string
  rows: number
  images: number
  /** Distinct patients; null where no row names one. */
  patients: number | null
  labels: number
  /** Rows a split; null where none is given. */
  splits: Readonly<Partial<Record<Split, number>>> | null
  /** Errors first, then warnings, then notes. */
  findings: readonly NamedFinding[]
  /** What was looked for and not found, in words. */
  passed: readonly { check: string; summary: string }[]
  notChecked: readonly { check: string; reason: string }[]
}

/**
 * Looks for what would make results on a data set wrong: patients and copies on both sides of a split, labels that
 * cannot be learned, files that cannot be read, images that look wrong. The same data give the same audit, whatever the
 * number of threads.
 *
 * @throws DataError where `location` cannot be listed
 * @throws PluradError where a reading thread dies
 */
export async function auditDataset(dataset: Dataset, options: AuditOptions): Promise<Audit> {
  const { location, images, assignment, pixels = true, withIds = false } = options
  const subject = new Subject(dataset, withIds, assignment)
  const outcomes: NamedOutcome[] = [
    ['patients-in-several-splits', patientsInSeveralSplits(subject)],
    ['rows-without-patient', unknownPatients(subject)],
    ['one-class-labels', oneClassLabels(subject)],
    ['one-class-in-split', oneClassInSplit(subject)],
    ['rows-without-file', rowsWithoutFiles(subject, location, pixels)],
    ['impossible-ages', await impossibleAges(location)],
  ]
  if (!subject.isSplit) {
    outcomes.push(['splits', { notChecked: 'patients, labels and copies by split: no split is given' }])
  }
  if (pixels) {
    outcomes.push(['files-without-row', filesWithoutRows(subject, location, images)])
    outcomes.push(...(await imageOutcomes(subject, options)))
  } else {
    outcomes.push(['images', { notChecked: 'images: none was opened' }])
  }
  return { ...describe(subject), ...sorted(outcomes) }
}

async function imageOutcomes(subject: Subject, options: AuditOptions): Promise<NamedOutcome[]> {
  const { window = 'file', bits = null, workers = 0, onProgress } = options
  const jobs = { window, bits, workers }
  const facts = new FactsTable(subject.images.length)
  const references = subject.images.map(({ reference }) => reference)
  const reading = { ...jobs, onProgress: progressOf('Reading', onProgress) }
  await askImages('facts', references, reading, (image, answer) => {
    if ('value' in answer) facts.put(image, answer.value)
    else facts.failures.set(image, answer.reason)
  })
  const copies = exactCopies(facts)
  const near = await nearCopies(subject, facts, { ...jobs, onProgress: progressOf('Comparing', onProgress) })
  const looks = looksOf(facts)
  return [
    ['damaged-files', damagedFiles(subject, facts)],
    ['copies-across-splits', copiesAcrossSplits(subject, copies)],
    ['copies-across-patients', copiesAcrossPatients(subject, copies)],
    ['copies-of-one-patient', copiesOfOnePatient(subject, copies)],
    ['contradicting-copies', contradictingCopies(subject, copies)],
    ['near-copies-across-splits', nearCopiesAcrossSplits(subject, near)],
    ['near-copies-across-patients', nearCopiesAcrossPatients(subject, near)],
    ['empty-images', emptyImages(subject, facts)],
    ['inverted-images', invertedImages(subject, looks)],
    ['turned-images', turnedImages(subject, looks)],
    ['reader-warnings', readerWarnings(subject, facts)],
    ['outside-window', outsideWindow(subject, facts)],
  ]
}

function progressOf(what: string, onProgress: AuditOptions['onProgress']) {
  return (done: number, total: number): void => onProgress?.(what, done, total)
}

function describe(
  subject: Subject,
): Pick<Audit, 'name' | 'rows' | 'images' | 'patients' | 'labels' | 'splits'> {
  const { name, samples, labels } = subject.dataset
  const patients = new Set(samples.map(({ patient }) => patient))
  patients.delete(null)
  const parts = splits.map((split) => [split, subject.splits.filter((of) => of === split).length] as const)
  return {
    name,
    rows: samples.length,
    images: subject.images.length,
    patients: patients.size === 0 ? null : patients.size,
    labels: labels.length,
    splits: subject.isSplit ? Object.fromEntries(parts.filter(([, rowsOf]) => rowsOf > 0)) : null,
  }
}

function sorted(outcomes: readonly NamedOutcome[]): Pick<Audit, 'findings' | 'passed' | 'notChecked'> {
  const findings: NamedFinding[] = []
  const passed: { check: string; summary: string }[] = []
  const notChecked: { check: string; reason: string }[] = []
  for (const [check, outcome] of outcomes) {
    if (outcome === null) continue
    if ('severity' in outcome) findings.push({ check, ...outcome })
    else if ('passed' in outcome) passed.push({ check, summary: outcome.passed })
    else notChecked.push({ check, reason: outcome.notChecked })
  }
  const rank = ({ severity }: Finding): number => severities.indexOf(severity)
  return { findings: findings.sort((a, b) => rank(a) - rank(b)), passed, notChecked }
}
