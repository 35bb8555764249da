/** Boxes that readers drew round findings. */
import { DataError } from '../../errors.js'
import { findingKey } from '../../data/sets/synonyms.js'
import { listed, readTable, whereIs, type Table } from '../../data/sets/table.js'
import type { Rectangle } from '../placement.js'

/** One row of a table of boxes. */
export interface BoxRow {
  image: string
  label: string
  /** In pixels of the image, or of the size that the table's publisher drew on. */
  box: Rectangle
}

const IMAGE = /^(image|image[ _]?index|image_?id|file(_?name)?|path)$/i
const LABEL = /^(label|finding|finding[ _]label|class(_?name)?)$/i

/** Four columns of numbers: corner and size, or two corners. */
const LAYOUTS: readonly { columns: readonly RegExp[]; corners: boolean }[] = [
  { columns: [/^x$/i, /^y$/i, /^(w|width)$/i, /^(h|height)$/i], corners: false },
  { columns: [/^x_?min$/i, /^y_?min$/i, /^x_?max$/i, /^y_?max$/i], corners: true },
]

/** NIH's own header names one column for four numbers, in which the names of the others are empty. */
const NIH = /^Bbox \[x,y,w,h\]$|^Bbox \[x$/i

/**
 * Reads a table with a row a box: `Image Index,Finding Label,Bbox [x,y,w,h],,,` as NIH publishes it, or columns for image,
 * label and x, y, width, height or x_min, y_min, x_max, y_max (VinDr). Rows of findings without a box (VinDr's `No finding`)
 * are left out.
 *
 * @throws DataError naming file and row of what is wrong
 */
export async function readBoxes(file: string): Promise<BoxRow[]> {
  const table = await readTable(file)
  const at = (pattern: RegExp): number => table.columns.findIndex((name) => pattern.test(name))
  const [image, label] = [at(IMAGE), at(LABEL)]
  const layout = LAYOUTS.map(({ columns, corners }) => ({ places: columns.map(at), corners })).find(
    ({ places }) => places.every((place) => place >= 0),
  )
  const nih = at(NIH)
  const places = layout?.places ?? (nih < 0 ? null : [nih, nih + 1, nih + 2, nih + 3])
  if (image < 0 || label < 0 || places === null) {
    throw new DataError(
      `${file}: no table of boxes: expected columns for the image, the label and x, y, width, height (or x_min, y_min, ` +
        `x_max, y_max, or NIH's "Bbox [x,y,w,h]"). Its columns are ${listed(table.columns)}.`,
    )
  }
  return table.rows.flatMap((cells, row) => {
    if (places.every((place) => (cells[place] ?? '') === '')) return []
    const [x, y, third, fourth] = places.map((place) => numberAt(table, row, place))
    const [width, height] = layout?.corners === true ? [third - x, fourth - y] : [third, fourth]
    if (!(width > 0) || !(height > 0)) {
      throw new DataError(
        `${file}, row ${table.rowNumbers[row]}: a box of ${width} x ${height}: expected more than 0.`,
      )
    }
    return [{ image: cells[image], label: cells[label], box: { x, y, width, height } }]
  })
}

function numberAt(table: Table, row: number, place: number): number {
  const cell = table.rows[row][place] ?? ''
  const value = Number(cell)
  if (cell !== '' && Number.isFinite(value)) return value
  throw new DataError(
    `${whereIs(table, row, Math.min(place, table.columns.length - 1))}: "${cell}": expected a number.`,
  )
}

/** The boxes of an image by the place of their label, by their names or other words for the same finding. */
export function boxesByLabel(rows: readonly BoxRow[], labels: readonly string[]): Map<number, Rectangle[]> {
  const places = new Map(labels.map((label, place) => [findingKey(label), place]))
  const found = new Map<number, Rectangle[]>()
  for (const { label, box } of rows) {
    const place = places.get(findingKey(label))
    if (place !== undefined) found.set(place, [...(found.get(place) ?? []), box])
  }
  return found
}
