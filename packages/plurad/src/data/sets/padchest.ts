import { z } from 'zod'
import type { Dataset } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { isBlank, labelsOfLists, pythonList } from './finding-lists.js'
import { foundOrAll, onlyTable, tablesWith } from './place.js'
import { newNames, relabelled, relabelSettings } from './relabel.js'
import { codedAt, metadataOfRow, nullableTextOfRow, parsedTexts } from './row-parts.js'
import { columnIndex, whereIs, type CodedColumn, type Table } from './table.js'
import { rowsWhere, whereSetting } from './where.js'
import { openWideTable } from './wide-table.js'

const settings = z.strictObject({
  at_least: z
    .int()
    .min(1)
    .default(1)
    .describe('a finding that fewer images have is no label; the table names 193, some of them once'),
  where: whereSetting.describe(
    'keep only rows with one of these values, as {Projection: [PA, L]}, or {MethodLabel: Physician} for what people labelled',
  ),
  ...relabelSettings,
})

/** Said of a report or an image, not of a finding. */
const NO_FINDINGS = ['normal', 'unchanged', 'suboptimal study', 'exclude']

/**
 * PadChest: a table with a Python list of findings an image. Images that the table itself marks `exclude`, and those
 * without labels, are left out. Bustos et al., PadChest, Medical Image Analysis 2020, arXiv:1901.07441.
 */
export const padchest = defineAdapter({
  name: 'padchest',
  summary: 'PadChest: PADCHEST_chest_x_ray_images_labels_160K_*.csv with lists of findings',
  settings,
  recognises: async (place) => (await padchestTables(place)).length > 0,
  open: openPadchest,
})

const padchestTables = (place: Place) => tablesWith(place, ['ImageID', 'PatientID', 'Labels', 'Projection'])

async function openPadchest(
  place: Place,
  given: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const { name, folder } = place
  const table = await place.table(onlyTable(place, foundOrAll(place, await padchestTables(place))))
  const [image, findings] = ['ImageID', 'Labels'].map((column) => columnIndex(table, column))
  const labels = labelsOfLists(table, findings, {
    separators: ['|'],
    none: NO_FINDINGS,
    atLeast: given.at_least,
  })
  const why = parsedTexts(table.coded(findings), (text, firstRow) => {
    if (isBlank(text)) return 'no labels'
    const names = text.startsWith('[') ? pythonList(text, () => whereIs(table, firstRow(), findings)) : [text]
    return names.includes('exclude') ? 'marked "exclude" by the table itself' : undefined
  })
  const { codes } = table.coded(findings)
  return openWideTable(
    {
      name,
      folder,
      table,
      imageColumn: 'ImageID',
      image: (row) => table.cell(row, image),
      patient: nullableTextOfRow(table.coded(columnIndex(table, 'PatientID'))),
      metadata: metadataOfRow({
        age: ages(table),
        sex: codedAt(table, table.columns.indexOf('PatientSex_DICOM')),
        view: codedAt(table, table.columns.indexOf('Projection')),
      }),
      labels: relabelled(labels, newNames(given)),
      keep: rowsWhere(table, given.where),
      unused: (row) => why[codes[row]],
      roots: rootsOf(table),
    },
    options,
  )
}

/** The archive unpacks into a folder for each value of `ImageDir`. */
function rootsOf(table: Table): string[] {
  const column = table.columns.indexOf('ImageDir')
  const parts = column < 0 ? [] : table.coded(column).texts.filter((text) => /^\w+$/.test(text))
  return ['.', 'images'].flatMap((root) => [root, ...parts.map((part) => `${root}/${part}`)])
}

/** Years between the year of birth and the study's, where the table has both. */
function ages(table: Table): CodedColumn | undefined {
  const [birth, study] = ['PatientBirth', 'StudyDate_DICOM'].map((name) =>
    codedAt(table, table.columns.indexOf(name)),
  )
  if (birth === undefined || study === undefined) return undefined
  const births = birth.texts.map(Number)
  const studies = study.texts.map((text) => Number(text.slice(0, 4)))
  const known = new Map<string, number>()
  const codes = Uint32Array.from(birth.codes, (code, row) => {
    const age = (studies[study.codes[row]] || NaN) - (births[code] || NaN)
    const text = Number.isNaN(age) ? '' : String(age)
    const before = known.get(text)
    if (before !== undefined) return before
    known.set(text, known.size)
    return known.size - 1
  })
  return { codes, texts: [...known.keys()] }
}
