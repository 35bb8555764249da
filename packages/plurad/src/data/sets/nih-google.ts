import { z } from 'zod'
import type { Dataset } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { labelColumn, labelWords } from './label-words.js'
import { foundOrAll, onlyTable, tablesWith } from './place.js'
import { codedAt, metadataOfRow, nullableTextOfRow } from './row-parts.js'
import { splitOfRow } from './split-words.js'
import { columnIndex } from './table.js'
import { openWideTable } from './wide-table.js'

const LABELS = ['Fracture', 'Pneumothorax', 'Airspace opacity', 'Nodule or mass'] as const

const SPLIT = 'Set Id'

/**
 * Four findings that radiologists read anew on 4,376 images of NIH ChestX-ray14, YES or NO, with the
 * authors' division into validation and test. Majkowska et al., Radiology 2020.
 */
export const nihGoogle = defineAdapter({
  name: 'nih-google',
  summary: "radiologists' labels for 4,376 images of NIH ChestX-ray14: google2019_nih-chest-xray-labels.csv",
  settings: z.strictObject({}),
  recognises: async (place) => (await expertTables(place)).length > 0,
  open: openNihGoogle,
})

const expertTables = (place: Place) => tablesWith(place, ['Image Index', SPLIT, ...LABELS])

async function openNihGoogle(place: Place, _settings: object, options: OpenOptions): Promise<Dataset> {
  const { name, folder } = place
  const table = await place.table(onlyTable(place, foundOrAll(place, await expertTables(place))))
  const image = columnIndex(table, 'Image Index')
  const words = labelWords({ yes: 1, no: 0 })
  const [age, sex, view] = ['Patient Age', 'Patient Gender', 'View Position'].map((column) =>
    codedAt(table, table.columns.indexOf(column)),
  )
  return openWideTable(
    {
      name,
      folder,
      table,
      imageColumn: 'Image Index',
      image: (row) => table.cell(row, image),
      patient: nullableTextOfRow(table.coded(columnIndex(table, 'Patient ID'))),
      metadata: metadataOfRow({ age, sex, view }),
      labels: LABELS.map((label) => ({
        name: label,
        column: labelColumn(table, columnIndex(table, label), words),
      })),
      split: splitOfRow(table, columnIndex(table, SPLIT)),
    },
    options,
  )
}
