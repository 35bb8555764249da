import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset, LabelValue, Split } from '../dataset.js'
import type { DatasetAdapter, DatasetSource, OpenOptions } from './adapter.js'
import { assembleDataset, type Row } from './assemble.js'
import { parseAge, parseSex } from './metadata.js'
import { columnIndex, listed, TABLE_NAME, type Table } from './table.js'

/** Names by which columns are known, lower case and without spaces and punctuation; the likelier first. */
const IMAGE = [
  'image',
  'imageindex',
  'filename',
  'imagefile',
  'imagepath',
  'imagename',
  'path',
  'file',
  'imageid',
  'img',
  'id',
]
const PATIENT = ['patient', 'patientid', 'subject', 'subjectid']
const SPLIT = ['split']
const AGE = ['age', 'patientage']
const SEX = ['sex', 'gender', 'patientsex', 'patientgender']
const VIEW = ['view', 'viewposition']

/**
 * Any table with one row an image: a column with image references, and label columns with 1 (present), 0 (absent) or
 * blank (unknown). Patient, split, age, sex and view columns are used where there are some.
 */
export const csv: DatasetAdapter = {
  name: 'csv',
  summary: 'a .csv or .tsv with an image column and one 1/0/blank column a label',
  tables: (names) => names.filter((name) => TABLE_NAME.test(name)),
  recognises: () => true,
  open: openCsv,
}

function openCsv({ name, folder, table }: DatasetSource, options: OpenOptions): Dataset {
  const image =
    options.imageColumn === undefined ? find(table, IMAGE) : columnIndex(table, options.imageColumn)
  if (image < 0) {
    throw new DataError(
      `${table.file}: no image column. Its columns are ${listed(table.columns)}; expected one called image, image_id, ` +
        'filename, file or path. Rename it, or say which it is.',
    )
  }
  const patient =
    options.patientColumn === undefined ? find(table, PATIENT) : columnIndex(table, options.patientColumn)
  const split =
    options.splitColumn === undefined ? find(table, SPLIT) : columnIndex(table, options.splitColumn)
  const [age, sex, view] = [AGE, SEX, VIEW].map((names) => find(table, names))
  const used = new Set([image, patient, split, age, sex, view])
  const labels = options.labels ?? options.labelColumns ?? detectLabels(table, used)
  if (labels.length === 0) throw noLabels(table)
  const labelColumns = labels.map((label) => labelColumn(table, label, options.labelColumns))
  const cell = (row: readonly string[], column: number | undefined) => row[column ?? -1] ?? ''
  const rows = table.rows.map((row, index): Row => {
    const values = labelColumns.map((column) => labelValue(table, index, column))
    const metadata = {
      age: parseAge(cell(row, age)),
      sex: parseSex(cell(row, sex)),
      view: cell(row, view) || null,
    }
    const given = parseSplit(table, index, split)
    return {
      image: cell(row, image),
      patient: cell(row, patient) || null,
      labels: values,
      metadata,
      ...(given && { split: given }),
    }
  })
  const imageColumn = table.columns[image]
  return assembleDataset({ name, folder, table, imageColumn, labels, rows }, options)
}

function find(table: Table, names: readonly string[]): number {
  const plain = table.columns.map((column) => column.toLowerCase().replace(/[^a-z0-9]/g, ''))
  const name = names.find((candidate) => plain.includes(candidate))
  return name === undefined ? -1 : plain.indexOf(name)
}

function labelColumn(table: Table, label: string, allowed: readonly string[] | undefined): number {
  if (allowed !== undefined && !allowed.includes(label)) {
    throw new DataError(
      `No label "${label}" among the label columns ${listed(allowed)}.${didYouMean(label, allowed)}`,
    )
  }
  return columnIndex(table, label)
}

/** 1, 0, null for unknown; undefined where the cell is none of these. */
function parseLabel(text: string): LabelValue | undefined {
  if (text === '1' || text === '1.0') return 1
  if (text === '0' || text === '0.0') return 0
  return text === '' || text === 'nan' || text === 'NaN' || text === 'NA' ? null : undefined
}

function labelValue(table: Table, index: number, column: number): LabelValue {
  const text = table.rows[index][column]
  const value = parseLabel(text)
  if (value !== undefined) return value
  throw new DataError(
    `${table.file}, row ${table.rowNumbers[index]}, column "${table.columns[column]}": unknown label value "${text}". ` +
      'Expected 1 (present), 0 (absent) or nothing (unknown). Correct the cell, or name the label columns if this is ' +
      'not one.' +
      (Number(text) === -1 ? ' Where -1 means uncertain, leave the cell blank, or decide for 0 or 1.' : ''),
  )
}

/**
 * The columns that hold nothing but label values. A column that almost does (-1, or a slip in one cell of a hundred)
 * is an error rather than silently no label.
 */
function detectLabels(table: Table, used: ReadonlySet<number | undefined>): string[] {
  return table.columns.filter((name, column) => {
    if (used.has(column) || name === '' || /^unnamed: \d+$/i.test(name)) return false
    let known = 0
    let uncertain = 0
    let other = 0
    let firstOther = -1
    table.rows.forEach((row, index) => {
      const text = row[column]
      const value = parseLabel(text)
      if (value === null) return
      if (value !== undefined) known++
      else {
        if (Number(text) === -1) uncertain++
        else other++
        if (firstOther < 0) firstOther = index
      }
    })
    if (known === 0) return false
    if (other + uncertain === 0) return true
    if (other === 0 || (known > 1 && other <= Math.max(1, (known + other) / 100)))
      labelValue(table, firstOther, column)
    return false
  })
}

function noLabels(table: Table): DataError {
  return new DataError(
    `${table.file}: no label columns. Its columns are ${listed(table.columns)}; expected one a label, with 1 (present), ` +
      '0 (absent) or nothing (unknown) in every row.',
  )
}

const SPLIT_NAMES: Record<string, Split | undefined> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  dev: 'val',
  test: 'test',
  testing: 'test',
}

function parseSplit(table: Table, index: number, column: number): Split | undefined {
  const text = table.rows[index][column] ?? ''
  const split = SPLIT_NAMES[text.toLowerCase()]
  if (split !== undefined || text === '') return split
  throw new DataError(
    `${table.file}, row ${table.rowNumbers[index]}, column "${table.columns[column]}": unknown split "${text}". ` +
      `Expected train, val or test.${didYouMean(text, Object.keys(SPLIT_NAMES))}`,
  )
}
