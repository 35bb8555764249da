import { readFile } from 'node:fs/promises'
import { csvFormatRow, csvParseRows } from 'd3-dsv'
import { DataError } from '../errors.js'
import { writeFileAtomic } from '../files.js'

/**
 * Scores beside the truth for one split: what metrics and report work on, and what
 * `predictions/{val,test}.csv` holds.
 */
export interface Predictions {
  labels: readonly string[]
  /** Image references, length N. */
  images: readonly string[]
  /** Patient ids, length N; null where unknown. */
  patients: readonly (string | null)[]
  /** Probabilities in [0, 1], row-major [N, C]. */
  scores: Float64Array
  /** 1 present, 0 absent, NaN unknown, row-major [N, C]. */
  truth: Float64Array
}

/** Columns before the scores: `image`, `patient`. */
const LEADING = 2

/**
 * Writes predictions as CSV: `image,patient,<label>…,<label>:true…`. A score is the shortest decimal that
 * reads back as the same double, so nothing is lost; truth is 1, 0 or blank for unknown; an unknown
 * patient is blank.
 *
 * The file appears whole or not at all (temporary file, fsync, rename).
 *
 * @throws DataError when array lengths do not fit, an image occurs twice, a score is outside [0, 1] or a
 *   truth is not 1, 0 or NaN.
 */
export async function writePredictions(file: string, predictions: Predictions): Promise<void> {
  await writeFileAtomic(file, formatPredictions(file, predictions))
}

/**
 * Reads what {@link writePredictions} wrote.
 *
 * @throws DataError naming file, row (the header is row 1) and column of what is wrong.
 */
export async function readPredictions(file: string): Promise<Predictions> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new DataError(`Cannot read predictions from ${file}: ${(error as Error).message}`)
  }
  return parsePredictions(file, text)
}

function formatPredictions(file: string, { labels, images, patients, scores, truth }: Predictions): string {
  const [rows, columns] = [images.length, labels.length]
  if (scores.length !== rows * columns || truth.length !== rows * columns || patients.length !== rows) {
    throw new DataError(
      `${file}: predictions of ${rows} images and ${columns} labels need ${rows * columns} scores and truths and ` +
        `${rows} patients: found ${scores.length}, ${truth.length} and ${patients.length}.`,
    )
  }
  refuseRepeats(labels, (label) => `${file}: the label '${label}' occurs twice.`)
  refuseRepeats(images, (image, row) => `${file}: row ${row + 2}: the image '${image}' occurs twice.`)
  const lines = [csvFormatRow(['image', 'patient', ...labels, ...labels.map(truthColumn)])]
  for (let row = 0; row < rows; row++) {
    const cells = [images[row], patients[row] ?? '']
    for (let c = 0; c < columns; c++) {
      const score = scores[row * columns + c]
      if (!(score >= 0 && score <= 1))
        throw new DataError(notAProbability(file, row + 2, labels[c], String(score)))
      cells.push(String(score))
    }
    for (let c = 0; c < columns; c++) {
      const value = truth[row * columns + c]
      if (value !== 0 && value !== 1 && !Number.isNaN(value)) {
        throw new DataError(notATruth(file, row + 2, labels[c], String(value)))
      }
      cells.push(Number.isNaN(value) ? '' : String(value))
    }
    lines.push(csvFormatRow(cells))
  }
  return lines.join('\n') + '\n'
}

function parsePredictions(file: string, text: string): Predictions {
  // A spreadsheet that saved the file may have put a byte order mark before it.
  const [header, ...rows] = csvParseRows(text.replace(/^\uFEFF/, ''))
  if (!header)
    throw new DataError(`${file} is empty: expected a header 'image,patient,<label>…,<label>:true…'.`)
  const labels = readHeader(file, header)
  const images: string[] = []
  const patients: (string | null)[] = []
  const scores = new Float64Array(rows.length * labels.length)
  const truth = new Float64Array(rows.length * labels.length)
  for (const [r, cells] of rows.entries()) {
    const row = r + 2
    if (cells.length !== header.length) {
      throw new DataError(
        `${file}: row ${row} has ${cells.length} cells: expected ${header.length}, as the header has.`,
      )
    }
    images.push(cells[0])
    patients.push(cells[1] || null)
    for (const [c, label] of labels.entries()) {
      const at = r * labels.length + c
      scores[at] = parseScore(file, row, label, cells[LEADING + c])
      truth[at] = parseTruth(file, row, label, cells[LEADING + labels.length + c])
    }
  }
  refuseRepeats(images, (image, r) => `${file}: row ${r + 2}: the image '${image}' occurs twice.`)
  return { labels, images, patients, scores, truth }
}

function readHeader(file: string, header: readonly string[]): string[] {
  const expected = `expected 'image,patient,<label>…,<label>:true…'`
  for (const [i, name] of ['image', 'patient'].entries()) {
    if (header[i] !== name) {
      throw new DataError(
        `${file}: row 1, column ${i + 1} is '${header[i] ?? ''}', not '${name}': ${expected}.`,
      )
    }
  }
  // Read by position, not by the ending, so that a label may itself end in ':true'.
  const count = (header.length - LEADING) / 2
  if (!Number.isInteger(count)) {
    throw new DataError(
      `${file}: row 1 has ${header.length} columns, so scores and truths cannot pair: ${expected}.`,
    )
  }
  const labels = header.slice(LEADING, LEADING + count)
  for (const [c, label] of labels.entries()) {
    const column = LEADING + count + c
    if (header[column] !== truthColumn(label)) {
      throw new DataError(
        `${file}: row 1, column ${column + 1} is '${header[column]}': expected '${truthColumn(label)}', ` +
          `the truths in the order of the scores.`,
      )
    }
  }
  refuseRepeats(labels, (label) => `${file}: row 1: the label '${label}' occurs twice.`)
  return labels
}

function parseScore(file: string, row: number, label: string, cell: string): number {
  // Number('') is 0, which would turn a missing score into a confident one.
  const score = cell.trim() === '' ? NaN : Number(cell)
  if (!(score >= 0 && score <= 1)) throw new DataError(notAProbability(file, row, label, cell))
  return score
}

function parseTruth(file: string, row: number, label: string, cell: string): number {
  if (cell === '1') return 1
  if (cell === '0') return 0
  if (cell === '') return NaN
  throw new DataError(notATruth(file, row, truthColumn(label), cell))
}

function truthColumn(label: string): string {
  return `${label}:true`
}

function notAProbability(file: string, row: number, column: string, found: string): string {
  return `${file}: row ${row}, column '${column}' is '${found}': expected a probability between 0 and 1.`
}

function notATruth(file: string, row: number, column: string, found: string): string {
  return `${file}: row ${row}, column '${column}' is '${found}': expected 1, 0 or blank (unknown).`
}

function refuseRepeats(names: readonly string[], message: (name: string, index: number) => string): void {
  const seen = new Set<string>()
  for (const [i, name] of names.entries()) {
    if (seen.has(name)) throw new DataError(message(name, i))
    seen.add(name)
  }
}
