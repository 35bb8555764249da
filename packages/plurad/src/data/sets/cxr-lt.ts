import { z } from 'zod'
import { DataError } from '../../errors.js'
import type { Dataset, Split } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { joinDatasets } from './join.js'
import { labelColumn, labelWords } from './label-words.js'
import { foundOrAll, tablesAt } from './place.js'
import { newNames, relabelled, relabelSettings } from './relabel.js'
import { codedAt, metadataOfRow, nullableTextOfRow } from './row-parts.js'
import { listed, type Table } from './table.js'
import { rowsWhere, whereSetting } from './where.js'
import { openWideTable } from './wide-table.js'

/** Labels that these tables have and the ones that they come from have not: what they are told by. */
const RARE = ['Calcification of the Aorta', 'Pneumomediastinum', 'Subcutaneous Emphysema', 'Tortuous Aorta']

const IMAGE = ['fpath', 'path', 'Path', 'id', 'dicom_id']
const PATIENT = ['subject_id', 'subj_id', 'patient_id']
const VIEW = ['ViewPosition', 'view', 'View Position']
/** Columns that hold neither an image, a patient nor a label. */
const OTHER = [
  ...IMAGE,
  ...PATIENT,
  ...VIEW,
  'study_id',
  'split',
  'age',
  'sex',
  'gender',
  'ViewCodeSequence_CodeMeaning',
  'StudyDate',
  'StudyTime',
]

const settings = z.strictObject({
  test: z
    .enum(['full', 'balanced'])
    .default('full')
    .describe(
      'which of two test tables is the test split: the whole one, or the one with as many images of each label',
    ),
  where: whereSetting,
  ...relabelSettings,
})

/**
 * The long-tailed tables over NIH ChestX-ray14 and MIMIC-CXR: NIH-CXR-LT and MIMIC-CXR-LT (one label an image, 20 and 19
 * labels; Holste et al., Long-Tailed Classification of Thorax Diseases on Chest X-Ray, DALI 2022, arXiv:2208.13365) and
 * those of the CXR-LT challenges 2023 and 2024 (26 and 45 labels). One table a split, which its name says.
 */
export const cxrLt = defineAdapter({
  name: 'cxr-lt',
  summary: 'NIH-CXR-LT, MIMIC-CXR-LT and the CXR-LT challenges: one table a split with an 1/0 column a label',
  settings,
  recognises: async (place) => (await longTailedTables(place)).length > 0,
  open: openCxrLt,
})

async function longTailedTables(place: Place): Promise<string[]> {
  const found: string[] = []
  for (const file of tablesAt(place)) {
    const columns = await place.columns(file)
    const isOne =
      columns !== null &&
      IMAGE.some((name) => columns.includes(name)) &&
      RARE.filter((name) => columns.includes(name)).length >= 3
    if (isOne) found.push(file)
  }
  return found
}

interface NamedTable {
  file: string
  split: Split | undefined
  balanced: boolean
}

async function openCxrLt(
  place: Place,
  given: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const all = foundOrAll(place, await longTailedTables(place)).map(whatNameSays)
  const tables = all.length === 1 ? [{ ...all[0], split: undefined }] : chooseTables(place, all, given.test)
  const parts: Dataset[] = []
  for (const { file, split } of tables)
    parts.push(openTable(place, await place.table(file), split, given, options))
  const other = parts.find((part) => part.labels.join('\n') !== parts[0].labels.join('\n'))
  if (other !== undefined) {
    throw new DataError(
      `${place.folder}: the tables ${listed(tables.map(({ file }) => file))} have different labels. Keep the tables of ` +
        'one benchmark in a folder of their own, or name one table instead of the folder.',
    )
  }
  return joinDatasets(place.name, parts)
}

/** `nih-cxr-lt_single-label_balanced-test.csv`: the test split, with as many images of each label. */
function whatNameSays(file: string): NamedTable {
  const name = file.slice(file.lastIndexOf('/') + 1).toLowerCase()
  const split = /train/.test(name)
    ? 'train'
    : /val|development|(^|[^a-z])dev([^a-z]|$)/.test(name)
      ? 'val'
      : /test/.test(name)
        ? 'test'
        : undefined
  return { file, split, balanced: name.includes('balanced') }
}

/** One table a split; the balanced test table is a part of the whole one, so that only one of them can be. */
function chooseTables(place: Place, all: readonly NamedTable[], test: 'full' | 'balanced'): NamedTable[] {
  const nameless = all.find(({ split }) => split === undefined)
  if (nameless !== undefined) {
    throw new DataError(
      `${place.folder}: the name of ${nameless.file} does not say whether it is for train, val or test. Rename it, or ` +
        'name the table to open instead of the folder.',
    )
  }
  return (['train', 'val', 'test'] as const).flatMap((split) => {
    const candidates = all.filter((table) => table.split === split)
    const preferred = candidates.filter(
      ({ balanced }) => balanced === (test === 'balanced' || split === 'val'),
    )
    const chosen = candidates.length > 1 && preferred.length > 0 ? preferred : candidates
    if (chosen.length > 1) {
      throw new DataError(
        `${place.folder}: ${chosen.length} tables for ${split}, ${listed(chosen.map(({ file }) => file))}. Keep those of ` +
          'one benchmark in a folder of their own, or name one table instead of the folder.',
      )
    }
    return chosen
  })
}

function openTable(
  { name, folder }: Place,
  table: Table,
  split: Split | undefined,
  given: z.infer<typeof settings>,
  options: OpenOptions,
): Dataset {
  const find = (names: readonly string[]): number =>
    table.columns.indexOf(names.find((candidate) => table.columns.includes(candidate)) ?? '')
  const image = find(IMAGE)
  const view = codedAt(table, find(VIEW))
  const words = labelWords()
  const labels = table.columns.flatMap((label, column) =>
    label === '' || OTHER.includes(label) || /^Unnamed: \d+$/.test(label)
      ? []
      : [{ name: label, column: labelColumn(table, column, words) }],
  )
  return openWideTable(
    {
      name,
      folder,
      table,
      imageColumn: table.columns[image],
      image: (row) => table.cell(row, image),
      patient: nullableTextOfRow(codedAt(table, find(PATIENT))),
      metadata: metadataOfRow({ view }),
      labels: relabelled(labels, newNames(given)),
      split: split && (() => split),
      keep: rowsWhere(table, given.where),
    },
    options,
  )
}
