import type { Dataset } from '../dataset.js'
import { contactSheet, type ContactRow } from './contact-sheet.js'
import type { ImageReading } from './image-facts.js'
import { summariseImages, type ImageSummary } from './image-summary.js'
import type { Grouping } from './label-groups.js'
import { summariseRows, type RowSummary } from './row-summary.js'

export interface InspectOptions extends Partial<ImageReading> {
  /** What labels' groups go by. */
  grouping?: Grouping | undefined
  /** Images to read, evenly drawn; null for all, 0 for none. */
  sample?: number | null | undefined
  /** Images a label on the contact sheet; 0 for no sheet. */
  contact?: number | undefined
  /** Threads that read images; 0 reads in the calling one. */
  workers?: number | undefined
  onProgress?: ((what: string, done: number, total: number) => void) | undefined
}

export interface Inspection {
  /** The data set's name. */
  name: string
  /** See `Dataset.fingerprint`. */
  fingerprint: string
  rows: RowSummary
  /** Null where no image was read. */
  images: ImageSummary | null
  /** Null where none was wanted. */
  contact: readonly ContactRow[] | null
}

/** Images that are read where it is not said how many: enough for shares of a hundredth, and soon done. */
export const SAMPLE_IMAGES = 1000

/**
 * What a data set holds: labels, patients, metadata, splits, and what its image files are like. The same data give the
 * same inspection, whatever the number of threads.
 *
 * @throws PluradError where a reading thread dies
 */
export async function inspectDataset(dataset: Dataset, options: InspectOptions = {}): Promise<Inspection> {
  const { grouping, sample = SAMPLE_IMAGES, contact = 0, workers = 0, onProgress } = options
  const { window = 'file', bits = null } = options
  const jobs = (what: string) => ({
    ...{ window, bits, workers },
    onProgress: (done: number, total: number): void => onProgress?.(what, done, total),
  })
  return {
    name: dataset.name,
    fingerprint: dataset.fingerprint,
    rows: summariseRows(dataset, grouping),
    images: sample === 0 ? null : await summariseImages(dataset, sample, jobs('Reading')),
    contact: contact === 0 ? null : await contactSheet(dataset, contact, jobs('Drawing')),
  }
}
