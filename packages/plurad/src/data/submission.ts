/** A challenge's submission: its sample file, filled with a model's predictions. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { dsvFormat } from 'd3-dsv'
import { DataError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import { didYouMean } from '../suggest.js'
import { imageFormats } from './formats/registry.js'
import { listed, readTable } from './sets/table.js'

/** What a sample submission asks for. */
export interface SampleSubmission {
  file: string
  /** Its header: the images' column, then one a label. */
  columns: readonly string[]
  /** Images in the order of its rows. */
  ids: readonly string[]
  /** What stands between its cells. */
  delimiter: string
}

/** What a model says, as `Predictions` without the truth. */
export interface Scores {
  labels: readonly string[]
  images: readonly string[]
  /** Probabilities, row-major [images, labels]. */
  scores: Float64Array
}

/**
 * Reads a sample submission (CSV, TSV, also as `.txt`): the first column names images, the others are labels, whatever
 * values they hold.
 *
 * @throws DataError for one without labels or with an image that stands in two rows
 */
export async function readSampleSubmission(file: string): Promise<SampleSubmission> {
  const table = await readTable(file)
  const { columns } = table
  if (columns.length < 2) {
    throw new DataError(
      `${file}: expected a column of images and one a label. Its columns are ${listed(columns)}.`,
    )
  }
  const ids = Array.from({ length: table.length }, (_, row) => table.cell(row, 0))
  const seen = new Map<string, number>()
  ids.forEach((id, row) => {
    const before = seen.get(id)
    if (before !== undefined) {
      throw new DataError(
        `${file}, row ${table.rowNumbers[row]}: "${id}" also stands in row ${table.rowNumbers[before]}.`,
      )
    }
    seen.set(id, row)
  })
  return { file, columns, ids, delimiter: await delimiterOf(file, columns.length) }
}

async function delimiterOf(file: string, columns: number): Promise<string> {
  const [header] = (await readFile(file, 'utf8')).split(/[\r\n]/, 1)
  return [',', '\t', ';'].find((delimiter) => header.split(delimiter).length >= columns) ?? ','
}

/**
 * Which image each row of a sample means: by its path, its file's name or that name without its ending.
 *
 * @returns positions in `images`, one for each of the sample's ids
 * @throws DataError where an id has no image or several, or an image is not asked for
 */
export function matchImages({ file, ids }: SampleSubmission, images: readonly string[]): number[] {
  const rows = new Map(ids.map((id, row) => [id, row]))
  const found = new Array<number | undefined>(ids.length)
  const unknown: string[] = []
  images.forEach((image, position) => {
    const row = namesOf(image)
      .map((name) => rows.get(name))
      .find((at) => at !== undefined)
    if (row === undefined) {
      unknown.push(image)
      return
    }
    const before = found[row]
    if (before !== undefined) {
      throw new DataError(
        `${file}: "${ids[row]}" is ${images[before]} and also ${image}. Predict one of them.`,
      )
    }
    found[row] = position
  })
  const missing = ids.filter((_, row) => found[row] === undefined)
  if (missing.length > 0) {
    throw new DataError(
      `${file}: ${missing.length} of its ${ids.length} images are not among the ${images.length} predicted, such as ` +
        `${examples(missing)}.${unknown.length > 0 ? ` Predicted were ${examples(unknown)}, for example.` : ''} ` +
        'Name the folder with all of them.',
    )
  }
  if (unknown.length > 0) {
    throw new DataError(
      `${file}: ${unknown.length} of the ${images.length} images predicted are not in it, such as ${examples(unknown)}. ` +
        'Leave them out.',
    )
  }
  return found.map((position) => position ?? 0)
}

const extensions = imageFormats.flatMap((format) => format.extensions)

/** `test/17.png`, `17.png`, `17`. */
function namesOf(image: string): string[] {
  const name = basename(image)
  const extension = extensions.find((candidate) => name.toLowerCase().endsWith(candidate))
  return extension === undefined ? [image, name] : [image, name, name.slice(0, -extension.length)]
}

function examples(names: readonly string[]): string {
  return listed(names.slice(0, 3))
}

/**
 * Which of a model's labels each column means.
 *
 * @returns positions in `labels`, one for each column after the first; labels that are not asked for are left out
 * @throws DataError for a column that is none of them
 */
export function matchLabels({ file, columns }: SampleSubmission, labels: readonly string[]): number[] {
  return columns.slice(1).map((column) => {
    const at = labels.indexOf(column)
    if (at >= 0) return at
    throw new DataError(
      `${file}: the model has no label "${column}". It has ${listed(labels)}.${didYouMean(column, labels)}`,
    )
  })
}

/**
 * Writes a submission: the sample's header and rows in its order, filled with probabilities or, where thresholds are
 * given, with 1 from the label's threshold on and 0 below it. The file appears whole or not at all.
 *
 * @param thresholds one a label of the model; null writes probabilities
 * @throws DataError where images or columns do not match, or a threshold that is needed is missing
 */
export async function writeSubmission(
  sample: SampleSubmission,
  { labels, images, scores }: Scores,
  out: string,
  thresholds: readonly (number | null)[] | null = null,
): Promise<void> {
  const rows = matchImages(sample, images)
  const columns = matchLabels(sample, labels)
  const without = thresholds === null ? [] : columns.filter((column) => (thresholds[column] ?? null) === null)
  if (without.length > 0) {
    throw new DataError(
      `The model has no threshold for ${listed(without.map((column) => labels[column]))}: its validation split had no ` +
        'example. Submit probabilities.',
    )
  }
  const valueOf = (row: number, column: number): string => {
    const score = scores[row * labels.length + column]
    if (thresholds === null) return String(score)
    return score >= (thresholds[column] ?? 1) ? '1' : '0'
  }
  const lines = rows.map((row, index) => [
    sample.ids[index],
    ...columns.map((column) => valueOf(row, column)),
  ])
  const text = dsvFormat(sample.delimiter).formatRows([[...sample.columns], ...lines])
  await writeFileAtomic(out, `${text}\n`)
}
