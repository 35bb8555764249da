/** What adapters make rows of: each part takes a row's number; what many rows have is made once and shared. */
import type { LabelValue, Metadata } from '../dataset.js'
import { parseAge, parseSex } from './metadata.js'
import type { CodedColumn, Codes, Table } from './table.js'

export type OfRow<Value> = (row: number) => Value

/** A column where there is one of that number, else `undefined`. */
export function codedAt(table: Table, column: number): CodedColumn | undefined {
  return column < 0 ? undefined : table.coded(column)
}

/** The text of a column; `''` where there is no such column. */
export function textOfRow(coded: CodedColumn | undefined): OfRow<string> {
  if (coded === undefined) return () => ''
  const { codes, texts } = coded
  return (row) => texts[codes[row]]
}

/** As `textOfRow`, null for blank cells. */
export function nullableTextOfRow(coded: CodedColumn | undefined): OfRow<string | null> {
  const text = textOfRow(coded)
  return (row) => text(row) || null
}

/**
 * Every different text of a column turned into something else, once.
 *
 * @param parse also gets the first row that has the text, for messages
 */
export function parsedTexts<Value>(
  { codes, texts }: CodedColumn,
  parse: (text: string, firstRow: () => number) => Value,
): Value[] {
  return texts.map((text, code) => parse(text, () => codes.indexOf(code)))
}

/** Age, sex and view of the columns that there are; rows with the same share one object. */
export function metadataOfRow(columns: {
  age?: CodedColumn | undefined
  sex?: CodedColumn | undefined
  view?: CodedColumn | undefined
}): OfRow<Metadata> {
  const { age, sex, view } = columns
  const ages = age?.texts.map(parseAge) ?? [null]
  const sexes = sex?.texts.map(parseSex) ?? [null]
  const views = view?.texts.map((text) => text || null) ?? [null]
  const known = new Map<number, Metadata>()
  return (row) => {
    const at = [age?.codes[row] ?? 0, sex?.codes[row] ?? 0, view?.codes[row] ?? 0] as const
    const key = (at[0] * sexes.length + at[1]) * views.length + at[2]
    let metadata = known.get(key)
    if (metadata === undefined) {
      metadata = { age: ages[at[0]], sex: sexes[at[1]], view: views[at[2]] }
      known.set(key, metadata)
    }
    return metadata
  }
}

/** One label in every row. */
export interface LabelColumn {
  codes: Codes
  /** Meaning of each code. */
  values: readonly LabelValue[]
}

/** Beyond so many different label vectors sharing saves little and costs memory. */
const MOST_SHARED = 100_000

/**
 * The labels of a row as one frozen array; rows with the same labels share it. A tree with a level a label and a branch
 * for each of absent, present and unknown finds it.
 */
export function labelsOfRow(columns: readonly LabelColumn[]): OfRow<readonly LabelValue[]> {
  const branches = columns.map(({ codes, values }) => ({
    codes,
    branch: Uint8Array.from(values, (value) => value ?? 2),
  }))
  let children = new Int32Array(3 * 1024)
  let nodes = 1
  const vectors: (readonly LabelValue[])[] = []
  const make = (row: number): readonly LabelValue[] =>
    Object.freeze(columns.map(({ codes, values }) => values[codes[row]]))
  return (row) => {
    if (vectors.length === MOST_SHARED) return make(row)
    let node = 0
    let isNew = false
    let slot = 0
    for (const { codes, branch } of branches) {
      slot = node * 3 + branch[codes[row]]
      node = children[slot]
      if (node > 0) continue
      isNew = true
      node = nodes++
      if (nodes * 3 > children.length) {
        const larger = new Int32Array(children.length * 2)
        larger.set(children)
        children = larger
      }
      children[slot] = node
    }
    if (isNew) children[slot] = vectors.push(make(row))
    return vectors[children[slot] - 1] ?? make(row)
  }
}
