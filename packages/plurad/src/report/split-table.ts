import { csvParseRows } from 'd3-dsv'
import type { Split } from '../data/dataset.js'
import { DataError } from '../errors.js'

export const SPLITS = ['train', 'val', 'test'] as const satisfies readonly Split[]

/** What one split holds. */
export interface SplitSize {
  images: number
  /** Distinct patients; images without a patient id are not among them. */
  patients: number
  /** Images with at least one label present. */
  withAny: number
  /** [C] images with each label present. */
  positives: number[]
}

/** What the report says of `split.csv`: counts only, no image and no patient. */
export interface SplitSummary {
  labels: readonly string[]
  splits: Record<Split, SplitSize>
  /** Patients with images in more than one split; null when no row names a patient. */
  sharedPatients: number | null
  /** [C][C] images with both labels present; the diagonal counts the label itself. */
  together: number[][]
  /** [C][C] images with the row's label present and the column's known. */
  known: number[][]
}

/**
 * Counts `split.csv`: `image,patient,split,<label>…` with truth 1, 0 or blank for unknown.
 *
 * @throws DataError naming row and column.
 */
export function summariseSplits(file: string, text: string): SplitSummary {
  const [header, ...rows] = csvParseRows(text.replace(/^\uFEFF/, ''))
  if (!header || header[0] !== 'image' || header[1] !== 'patient' || header[2] !== 'split') {
    throw new DataError(
      `${file}: row 1 is '${(header ?? []).slice(0, 3).join(',')}…': expected 'image,patient,split,<label>…'.`,
    )
  }
  const labels = header.slice(3)
  const square = () => labels.map(() => labels.map(() => 0))
  const [together, known] = [square(), square()]
  const images = { train: 0, val: 0, test: 0 }
  const positives = { train: labels.map(() => 0), val: labels.map(() => 0), test: labels.map(() => 0) }
  const withAny = { train: 0, val: 0, test: 0 }
  const splitsOfPatient = new Map<string, Set<Split>>()

  for (const [r, cells] of rows.entries()) {
    if (cells.length !== header.length) {
      throw new DataError(`${file}: row ${r + 2} has ${cells.length} cells: expected ${header.length}.`)
    }
    const [, patient, split] = cells
    if (!isSplit(split)) {
      throw new DataError(`${file}: row ${r + 2}, column 'split' is '${split}': expected train, val or test.`)
    }
    images[split]++
    if (cells.includes('1', 3)) withAny[split]++
    if (patient) splitsOfPatient.set(patient, (splitsOfPatient.get(patient) ?? new Set()).add(split))
    for (let row = 0; row < labels.length; row++) {
      const value = cells[3 + row]
      if (value !== '1' && value !== '0' && value !== '') {
        throw new DataError(
          `${file}: row ${r + 2}, column '${labels[row]}' is '${value}': expected 1, 0 or blank (unknown).`,
        )
      }
      if (value !== '1') continue
      positives[split][row]++
      for (let column = 0; column < labels.length; column++) {
        if (cells[3 + column] === '1') together[row][column]++
        if (cells[3 + column] !== '') known[row][column]++
      }
    }
  }

  const patients = { train: 0, val: 0, test: 0 }
  let shared = 0
  for (const splits of splitsOfPatient.values()) {
    for (const split of splits) patients[split]++
    if (splits.size > 1) shared++
  }
  const size = (split: Split): SplitSize => ({
    images: images[split],
    patients: patients[split],
    withAny: withAny[split],
    positives: positives[split],
  })
  return {
    labels,
    splits: { train: size('train'), val: size('val'), test: size('test') },
    sharedPatients: splitsOfPatient.size === 0 ? null : shared,
    together,
    known,
  }
}

function isSplit(text: string | undefined): text is Split {
  return (SPLITS as readonly (string | undefined)[]).includes(text)
}
