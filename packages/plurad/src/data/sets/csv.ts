import { z } from 'zod'
import { DataError, RecipeError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { labelsOfLists } from './finding-lists.js'
import { labelColumn, labelWords, unknownWord, wordsSetting, type LabelWords } from './label-words.js'
import { onlyTable, tablesAt } from './place.js'
import { newNames, relabelled, relabelSettings, type NamedLabel } from './relabel.js'
import { codedAt, metadataOfRow, nullableTextOfRow } from './row-parts.js'
import { splitOfRow } from './split-words.js'
import { columnIndex, listed, whereIs, type Table } from './table.js'
import { openWideTable, type WideTable } from './wide-table.js'
import { rowsWhere, whereSetting } from './where.js'

/** Names by which columns are known, lower case and without spaces and punctuation; the likelier first. */
const COLUMNS = {
  image: [
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
  ],
  patient: ['patient', 'patientid', 'subject', 'subjectid'],
  split: ['split'],
  age: ['age', 'patientage'],
  sex: ['sex', 'gender', 'patientsex', 'patientgender'],
  view: ['view', 'viewposition'],
} as const

type Role = keyof typeof COLUMNS

const column = z.string().optional()

const settings = z.strictObject({
  table: z.string().optional().describe('file name of the table, where the folder has several'),
  image_column: column.describe('the column with image references'),
  label_columns: z
    .array(z.string())
    .nonempty()
    .optional()
    .describe('the columns that hold labels, where 1 is present, 0 absent and blank unknown'),
  values: wordsSetting,
  labels_column: column.describe(
    'instead of label columns: the column that lists the findings, as Mass|Nodule',
  ),
  separator: z
    .union([z.string().min(1), z.array(z.string().min(1)).nonempty()])
    .default('|')
    .describe('with labels_column: what stands between findings; may be several'),
  none: z
    .array(z.string())
    .default(['No Finding', 'none', 'normal'])
    .describe('with labels_column: what says that there is no finding'),
  at_least: z
    .int()
    .min(1)
    .default(1)
    .describe('with labels_column: a finding that fewer images have is no label'),
  ...relabelSettings,
  patient_column: column.describe('the column that says whose image it is'),
  patient_pattern: z
    .string()
    .optional()
    .describe(
      'regular expression that finds the patient in an image reference: its first group, or all that it matches',
    ),
  split_column: column.describe('the column with train, val or test'),
  age_column: column.describe('the column with ages, in years unless the unit is given as in 6M'),
  sex_column: column.describe('the column with F or M'),
  view_column: column.describe('the column with the projection'),
  where: whereSetting,
})

type Settings = z.infer<typeof settings>

/**
 * Any table with one row an image: a column with image references, and label columns with 1 (present), 0 (absent) or
 * blank (unknown), or one column that lists the findings. Patient, split, age, sex and view columns are used where
 * there are some.
 */
export const csv = defineAdapter({
  name: 'csv',
  summary:
    'a table with an image column and one 1/0/blank column a label, or a column that lists the findings',
  settings,
  recognises: (place) => tablesAt(place).length > 0,
  open: openCsv,
})

async function openCsv(place: Place, given: Settings, options: OpenOptions): Promise<Dataset> {
  const { name, folder } = place
  const table = await place.table(given.table ?? onlyTable(place, tablesAt(place)))
  const columns = findColumns(table, given)
  const image = columns.image
  if (image < 0) {
    throw new DataError(
      `${table.file}: no image column. Its columns are ${listed(table.columns)}; expected one called image, image_id, ` +
        'filename, file or path. Rename it, or say which it is by the setting image_column.',
    )
  }
  const coded = (role: Role) => codedAt(table, columns[role])
  const labels = readLabels(table, given, columns, options.labels)
  if (labels.length === 0) throw noLabels(table)
  return openWideTable(
    {
      name,
      folder,
      table,
      imageColumn: table.columns[image],
      image: (row) => table.cell(row, image),
      patient: patients(table, given, columns),
      metadata: metadataOfRow({ age: coded('age'), sex: coded('sex'), view: coded('view') }),
      labels,
      split: columns.split < 0 ? undefined : splitOfRow(table, columns.split),
      keep: rowsWhere(table, given.where, columns),
    },
    options,
  )
}

function findColumns(table: Table, given: Settings): Record<Role, number> {
  const plain = table.columns.map((name) => name.toLowerCase().replace(/[^a-z0-9]/g, ''))
  const find = (role: Role, named: string | undefined): number => {
    if (named !== undefined) return columnIndex(table, named)
    const name = COLUMNS[role].find((candidate) => plain.includes(candidate))
    return name === undefined ? -1 : plain.indexOf(name)
  }
  return {
    image: find('image', given.image_column),
    patient: find('patient', given.patient_column),
    split: find('split', given.split_column),
    age: find('age', given.age_column),
    sex: find('sex', given.sex_column),
    view: find('view', given.view_column),
  }
}

function patients(
  table: Table,
  { patient_column, patient_pattern }: Settings,
  { patient, image }: Record<Role, number>,
): WideTable['patient'] {
  if (patient_pattern === undefined) return nullableTextOfRow(codedAt(table, patient))
  if (patient_column !== undefined)
    throw new RecipeError('Settings of the data set: give patient_column or patient_pattern, not both.')
  let pattern: RegExp
  try {
    pattern = new RegExp(patient_pattern, 'u')
  } catch (error) {
    throw new RecipeError(`Settings of the data set: patient_pattern: ${(error as Error).message}.`, {
      cause: error,
    })
  }
  return (row, reference) => {
    const match = pattern.exec(reference)
    if (match !== null) return match[1] ?? match[0]
    throw new DataError(
      `${whereIs(table, row, image)}: the setting patient_pattern, ${patient_pattern}, does not match ` +
        `"${reference}". Without a patient the image could stand in two splits; correct the pattern.`,
    )
  }
}

/** @param wanted labels under their new names; null for all */
function readLabels(
  table: Table,
  given: Settings,
  columns: Record<Role, number>,
  wanted: readonly string[] | undefined,
): readonly NamedLabel[] {
  const names = newNames(given)
  if (given.labels_column !== undefined) {
    const labels = labelsOfLists(table, columnIndex(table, given.labels_column), {
      separators: [given.separator].flat(),
      none: given.none,
      atLeast: given.at_least,
    })
    refuseUnknownNames(
      names,
      labels.map(({ name }) => name),
    )
    return relabelled(labels, names)
  }
  const words = labelWords(given.values)
  const used = new Set(Object.values(columns))
  const sources =
    given.label_columns ??
    // Columns that were named are labels whatever is in them.
    (wanted === undefined ? detectLabels(table, used, words) : namedSources(table, wanted, names))
  refuseUnknownNames(names, table.columns)
  return relabelled(
    sources.map((name) => ({ name, column: labelColumn(table, columnIndex(table, name), words) })),
    names,
  )
}

/** The columns that become the labels that are wanted. */
function namedSources(table: Table, wanted: readonly string[], names: ReadonlyMap<string, string>): string[] {
  return wanted.flatMap((label) => {
    const sources = table.columns.filter((name) => (names.get(name) ?? name) === label)
    return sources.length > 0 ? sources : [label]
  })
}

function refuseUnknownNames(names: ReadonlyMap<string, string>, known: readonly string[]): void {
  const unknown = [...names.keys()].find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new RecipeError(
    `Settings of the data set: rename or merge speaks of "${unknown}", and there is no such label.${didYouMean(unknown, known)}`,
  )
}

/**
 * The columns that hold nothing but label values. A column that almost does (-1, or a slip in one cell of a hundred)
 * is an error rather than silently no label.
 */
function detectLabels(table: Table, used: ReadonlySet<number>, words: LabelWords): string[] {
  return table.columns.filter((name, column) => {
    if (used.has(column) || name === '' || /^unnamed: \d+$/i.test(name)) return false
    if (isPlainlyNone(table, column, words)) return false
    const { codes, texts } = table.coded(column)
    const meanings = texts.map(words)
    let known = 0
    let uncertain = 0
    let other = 0
    let firstOther = -1
    codes.forEach((code, row) => {
      const value = meanings[code]
      if (value === null) return
      if (value !== undefined) {
        known++
        return
      }
      if (Number(texts[code]) === -1) uncertain++
      else other++
      if (firstOther < 0) firstOther = row
    })
    if (known === 0) return false
    if (other + uncertain === 0) return true
    if (other === 0 || (known > 1 && other <= Math.max(1, (known + other) / 100)))
      throw unknownWord(table, firstOther, column)
    return false
  })
}

/** Whether the first hundred cells that are not blank hold no label value: names and numbers are not looked through. */
function isPlainlyNone(table: Table, column: number, words: LabelWords): boolean {
  let others = 0
  for (let row = 0; row < table.length && others < 100; row++) {
    const text = table.cell(row, column)
    const value = words(text)
    if (value === 1 || value === 0 || Number(text) === -1) return false
    if (value === undefined) others++
  }
  return others === 100
}

function noLabels(table: Table): DataError {
  return new DataError(
    `${table.file}: no label columns. Its columns are ${listed(table.columns)}; expected one a label, with 1 (present), ` +
      '0 (absent) or nothing (unknown) in every row, or a column that lists the findings, named by the setting ' +
      'labels_column.',
  )
}
