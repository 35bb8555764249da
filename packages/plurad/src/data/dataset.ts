/**
 * What every data set adapter returns, and all that the rest of the toolkit knows of a data set.
 * Pixels are not in here: they are read on demand by the loader.
 */

/** One label of one image: present, absent or unknown (masked out of loss and metrics). */
export type LabelValue = 1 | 0 | null

export type Sex = 'F' | 'M' | null

/** What a table knows of an image beside its labels. */
export interface Metadata {
  /** Years; null where unknown or impossible. */
  age: number | null
  sex: Sex
  /** Projection as the table names it, such as `PA` or `AP`. */
  view: string | null
}

/** One row of a data set. */
export interface Sample {
  /** The reference as the table gives it; unique in the data set, used in every file a run writes. */
  image: string
  /** The file on disk, absolute. */
  path: string
  /** Further files of the same sample, such as the other eye; '' for one that is missing. */
  also?: readonly string[] | undefined
  /** Rows of one patient never fall into two splits; null where the table names no patient. */
  patient: string | null
  /** One value a label, in the order of `Dataset.labels`. */
  labels: readonly LabelValue[]
  metadata: Metadata
  /** Split given by the data set itself, honoured when present. */
  split?: Split | undefined
}

export type Split = 'train' | 'val' | 'test'

export interface Dataset {
  /** Short name for people, such as the folder's. */
  name: string
  /** Label names, in the order of every label array, logit and probability. */
  labels: readonly string[]
  samples: readonly Sample[]
  /** SHA-256 over label names and rows (not the pixels): tells two versions of a table apart. */
  fingerprint: string
  /** Rows that could not be used, with the reason; written to the run's `skipped.csv`. */
  skipped: readonly SkippedRow[]
  /** What people should know of how it was read, a sentence each. */
  notes?: readonly string[] | undefined
  /**
   * Values that are unknown in `labels` because the table gives them as uncertain, as [sample, label], for a teacher to
   * fill in (self-training); left out where nobody asked for them.
   */
  uncertain?: readonly (readonly [sample: number, label: number])[] | undefined
}

export interface SkippedRow {
  image: string
  reason: string
}
