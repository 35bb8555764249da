import { basename } from 'node:path'
import type { Dataset, Sample, Split } from '../dataset.js'
import { filesOf, sourceOf } from '../source.js'
import { patientInName } from './patient-in-name.js'

/** One image file of a data set, or one part of a file. */
export interface AuditedImage {
  /** A path, or `path#part`. */
  reference: string
  /** Index of its row. */
  row: number
  /** What people call it. */
  name: string
}

/** Copies of one picture that are named. */
const MOST_NAMED = 6

/** What is audited, and how its images are spoken of. */
export class Subject {
  readonly images: readonly AuditedImage[]
  /** By row; undefined for rows that no split is given for. */
  readonly splits: readonly (Split | undefined)[]
  /** By row: as the table says, or, where it names no patient at all, as file names of known layouts show; else null. */
  readonly patients: readonly (string | null)[]
  /** Whether `patients` come from file names. */
  readonly patientsByName: boolean

  constructor(
    readonly dataset: Dataset,
    /** Patient ids may be shown. */
    private readonly withIds: boolean,
    assignment?: readonly Split[],
  ) {
    this.splits = assignment ?? dataset.samples.map((sample) => sample.split)
    this.patientsByName = dataset.samples.every(({ patient }) => patient === null)
    this.patients = dataset.samples.map(({ patient, image }) =>
      this.patientsByName ? patientInName(image) : patient,
    )
    this.images = dataset.samples.flatMap((sample, row) => {
      const files = filesOf(sourceOf(sample))
      const single = files.length === 1
      return files.map((reference) => ({ reference, row, name: single ? sample.image : basename(reference) }))
    })
  }

  /** Whether a split is given for at least one row. */
  get isSplit(): boolean {
    return this.splits.some((split) => split !== undefined)
  }

  sample(image: number): Sample {
    return this.dataset.samples[this.images[image].row]
  }

  split(image: number): Split | undefined {
    return this.splits[this.images[image].row]
  }

  /** Null where it is not known. */
  patient(image: number): string | null {
    return this.patients[this.images[image].row]
  }

  /** `00000013_005.png (train)`, with its patient where ids may be shown. */
  describe(image: number): string {
    const patient = this.patient(image)
    const facts = [
      this.withIds && patient !== null ? this.shownPatient(patient) : undefined,
      this.split(image),
    ]
    const known = facts.filter((fact) => fact !== undefined)
    return this.images[image].name + (known.length === 0 ? '' : ` (${known.join(', ')})`)
  }

  /** Copies of one picture: `a.png (train) = b.png (test)`, the first of them where they are many. */
  describeCopies(images: readonly number[]): string {
    const shown = images.slice(0, MOST_NAMED).map((image) => this.describe(image))
    const left = images.length - shown.length
    return shown.join(' = ') + (left > 0 ? ` and ${left} more` : '')
  }

  /** A patient as it may be shown. */
  shownPatient(id: string): string {
    return this.withIds ? `patient ${id}` : 'one patient'
  }

  /** What to look at for items of one image each. */
  each(images: readonly number[]): string[][] {
    return images.map((image) => [this.images[image].reference])
  }

  /** Names of images as a finding lists them, each once. */
  names(images: readonly number[]): string[] {
    return [...new Set(images.map((image) => this.images[image].name))]
  }
}
