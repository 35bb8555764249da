import { csvFormatRows } from 'd3-dsv'
import { DataError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import type { Dataset, Split } from './dataset.js'
import { columnIndex, readTable } from './sets/table.js'
import { splits } from './split.js'

type LabelledRows = Pick<Dataset, 'labels' | 'samples'>

/**
 * Writes `split.csv`: `image,patient,split,<label>…`, labels 1, 0 or blank.
 *
 * @throws RunError where the file cannot be written; an old one is left whole
 */
export async function writeSplit(
  path: string,
  dataset: LabelledRows,
  assignment: readonly Split[],
): Promise<void> {
  const rows = dataset.samples.map(({ image, patient, labels }, index) => [
    image,
    patient ?? '',
    assignment[index],
    ...labels.map((value) => (value === null ? '' : String(value))),
  ])
  await writeFileAtomic(
    path,
    `${csvFormatRows([['image', 'patient', 'split', ...dataset.labels], ...rows])}\n`,
  )
}

/**
 * The split that a `split.csv` gives the images of a data set. Further images in the file are of no matter: their
 * files may have gone since.
 *
 * @returns one split a sample, in the order of `dataset.samples`
 * @throws DataError where the file lacks a column or an image of the data set, or has a value other than train, val
 * and test
 */
export async function readSplit(path: string, dataset: Pick<Dataset, 'samples'>): Promise<Split[]> {
  const table = await readTable(path)
  const image = columnIndex(table, 'image')
  const split = columnIndex(table, 'split')
  const known = new Map<string, Split>()
  table.rows.forEach((row, index) => {
    const found = splits.find((candidate) => candidate === row[split])
    if (found === undefined) {
      throw new DataError(
        `${path}, row ${table.rowNumbers[index]}, column "split": "${row[split]}". Expected train, val or test.`,
      )
    }
    known.set(row[image], found)
  })
  const missing = dataset.samples.filter((sample) => !known.has(sample.image))
  if (missing.length > 0) {
    throw new DataError(
      `${path}: ${missing.length} of the data set's ${dataset.samples.length} images are not in it, such as ` +
        `"${missing[0]?.image}". Was it written for another data set? Delete it to split anew.`,
    )
  }
  return dataset.samples.map((sample) => known.get(sample.image) as Split)
}
