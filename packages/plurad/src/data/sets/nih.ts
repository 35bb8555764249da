import { resolve } from 'node:path'
import { z } from 'zod'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset, LabelValue } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { assembleDataset, type Row, type UnusedRow } from './assemble.js'
import { nihSplit, nihSplits } from './nih-splits.js'
import { onlyTable, tablesAt, tablesWith } from './place.js'
import { codedAt, metadataOfRow, nullableTextOfRow, parsedTexts } from './row-parts.js'
import { columnIndex, listed, whereIs, type Table } from './table.js'

/** The labels of NIH ChestX-ray14, in the order that its paper and the models trained on it use. */
export const NIH_LABELS = [
  'Atelectasis',
  'Cardiomegaly',
  'Effusion',
  'Infiltration',
  'Mass',
  'Nodule',
  'Pneumonia',
  'Pneumothorax',
  'Consolidation',
  'Edema',
  'Emphysema',
  'Fibrosis',
  'Pleural_Thickening',
  'Hernia',
] as const

const NO_FINDING = 'No Finding'
const IMAGE = 'Image Index'
const FINDINGS = 'Finding Labels'

const settings = z.strictObject({
  split: z
    .enum(nihSplits)
    .default('auto')
    .describe(
      "whose lists divide it: official (NIH's, by patient, 86,524 and 25,596 images), chexnet (78,468/11,219/22,433) or none; " +
        'auto takes the lists that are there',
    ),
  lists: z.string().default('.').describe('folder with the lists'),
})

/**
 * NIH ChestX-ray14 as it lies on disk: `Data_Entry_2017*.csv`, images in `images/` or `images_001/images/` …, and
 * NIH's own lists `test_list.txt` and `train_val_list.txt` or CheXNet's `*_train_list.txt` … honoured where they are
 * there.
 * Wang et al., ChestX-ray8, CVPR 2017.
 */
export const nih = defineAdapter({
  name: 'nih',
  summary: 'NIH ChestX-ray14: Data_Entry_2017*.csv, images*/, test_list.txt',
  settings,
  recognises: async (place) => (await entryTables(place)).length > 0,
  open: openNih,
})

const ENTRY_TABLE = /(^|\/)Data_Entry_2017[^/]*$/

/** By name, else by columns; the radiologists' table of `nih-google` has these columns too. */
async function entryTables(place: Place): Promise<readonly string[]> {
  const named = tablesAt(place).filter((name) => ENTRY_TABLE.test(name))
  if (named.length > 0) return named
  const others = await tablesWith(place, [IMAGE, 'Set Id'])
  return (await tablesWith(place, [IMAGE, FINDINGS])).filter((name) => !others.includes(name))
}

async function openNih(
  place: Place,
  { split, lists }: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const { name, folder } = place
  const table = await place.table(onlyTable(place, await entryTables(place)))
  const labels = options.labels ?? NIH_LABELS
  const splitOf = await nihSplit(resolve(folder, lists), split)
  return assembleDataset(
    { name, folder, table, imageColumn: IMAGE, labels, rows: rowsOf(table, labels, splitOf) },
    options,
  )
}

function* rowsOf(
  table: Table,
  labels: readonly string[],
  splitOf: Awaited<ReturnType<typeof nihSplit>>,
): Generator<Row | UnusedRow> {
  const image = columnIndex(table, IMAGE)
  const patientOf = nullableTextOfRow(table.coded(columnIndex(table, 'Patient ID')))
  const findings = table.coded(columnIndex(table, FINDINGS))
  // The table of 2020 says Patient Sex where the one of 2017 says Patient Gender.
  const sexColumn = table.columns.includes('Patient Sex') ? 'Patient Sex' : 'Patient Gender'
  const [age, sex, view] = ['Patient Age', sexColumn, 'View Position'].map((column) =>
    codedAt(table, table.columns.indexOf(column)),
  )
  const metadata = metadataOfRow({ age, sex, view })
  const parse = findingsParser(labels, table)
  // The 112,120 rows have some 800 different cells: each is parsed once, and rows with the same share their labels.
  const values = parsedTexts(findings, parse)
  for (let row = 0; row < table.length; row++) {
    const reference = table.cell(row, image)
    const split = splitOf(reference)
    if (split === null) {
      yield { image: reference, unused: 'in none of the lists of the split' }
      continue
    }
    yield {
      image: reference,
      path: undefined,
      patient: patientOf(row),
      labels: values[findings.codes[row]],
      metadata: metadata(row),
      split,
    }
  }
}

/** `Mass|Nodule` to one value a label. */
function findingsParser(
  labels: readonly string[],
  table: Table,
): (cell: string, row: () => number) => readonly LabelValue[] {
  const vocabulary = new Set([...NIH_LABELS, ...labels, NO_FINDING])
  return (cell, row) => {
    const found = new Set(cell.split('|').map((finding) => finding.trim()))
    const where = () => whereIs(table, row(), table.columns.indexOf(FINDINGS))
    for (const finding of found) {
      if (vocabulary.has(finding)) continue
      const what = finding === '' ? 'an empty label' : `unknown label "${finding}"`
      throw new DataError(
        `${where()}: ${what} in "${cell}". Expected "${NO_FINDING}" or some of ${listed(labels)}, separated by "|".` +
          didYouMean(finding, vocabulary),
      )
    }
    if (found.has(NO_FINDING) && found.size > 1) {
      throw new DataError(
        `${where()}: "${cell}" names findings and "${NO_FINDING}" at once. Decide which is right.`,
      )
    }
    return Object.freeze(labels.map((label): LabelValue => (found.has(label) ? 1 : 0)))
  }
}
