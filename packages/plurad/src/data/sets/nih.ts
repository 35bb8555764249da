import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset, LabelValue, Split } from '../dataset.js'
import type { DatasetAdapter, DatasetSource, OpenOptions } from './adapter.js'
import { assembleDataset, type Row } from './assemble.js'
import { parseAge, parseSex } from './metadata.js'
import { columnIndex, listed, type Table } from './table.js'

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

/**
 * NIH ChestX-ray14 as it lies on disk: `Data_Entry_2017*.csv`, images in `images/` or `images_001/images/` …, and
 * NIH's own `test_list.txt` and `train_val_list.txt` honoured where they are there.
 * Wang et al., ChestX-ray8, CVPR 2017.
 */
export const nih: DatasetAdapter = {
  name: 'nih',
  summary: 'NIH ChestX-ray14: Data_Entry_2017*.csv, images*/, test_list.txt',
  tables: (names) => names.filter((name) => /^Data_Entry_2017.*\.csv(\.gz)?$/.test(name)),
  recognises: (columns) => columns.includes('Image Index') && columns.includes('Finding Labels'),
  open: openNih,
}

async function openNih({ name, folder, table }: DatasetSource, options: OpenOptions): Promise<Dataset> {
  const labels = options.labels ?? NIH_LABELS
  const imageColumn = options.imageColumn ?? 'Image Index'
  const image = columnIndex(table, imageColumn)
  const patient = columnIndex(table, options.patientColumn ?? 'Patient ID')
  const findings = columnIndex(table, 'Finding Labels')
  const [age, sex, view] = ['Patient Age', 'Patient Gender', 'View Position'].map((column) =>
    table.columns.indexOf(column),
  )
  const parseFindings = findingsParser(labels, table)
  const splits = await readOfficialSplits(folder)
  const cell = (row: readonly string[], column: number | undefined) => row[column ?? -1] ?? ''
  const rows = table.rows.map((row, index): Row => {
    const reference = cell(row, image)
    const metadata = {
      age: parseAge(cell(row, age)),
      sex: parseSex(cell(row, sex)),
      view: cell(row, view) || null,
    }
    const values = parseFindings(cell(row, findings), table.rowNumbers[index])
    const split = splits(reference)
    return {
      image: reference,
      patient: cell(row, patient) || null,
      labels: values,
      metadata,
      ...(split && { split }),
    }
  })
  return assembleDataset({ name, folder, table, imageColumn, labels, rows }, options)
}

/** `Mass|Nodule` to one value a label. The 112,120 rows have some 800 different cells: each is parsed once. */
function findingsParser(
  labels: readonly string[],
  table: Table,
): (cell: string, row: number) => readonly LabelValue[] {
  const vocabulary = new Set([...NIH_LABELS, ...labels, NO_FINDING])
  const known = new Map<string, readonly LabelValue[]>()
  return (cell, row) => {
    const before = known.get(cell)
    if (before !== undefined) return before
    const found = new Set(cell.split('|').map((finding) => finding.trim()))
    const where = `${table.file}, row ${row}, column "Finding Labels"`
    for (const finding of found) {
      if (vocabulary.has(finding)) continue
      const what = finding === '' ? 'an empty label' : `unknown label "${finding}"`
      throw new DataError(
        `${where}: ${what} in "${cell}". Expected "${NO_FINDING}" or some of ${listed(labels)}, separated by "|".` +
          didYouMean(finding, vocabulary),
      )
    }
    if (found.has(NO_FINDING) && found.size > 1) {
      throw new DataError(
        `${where}: "${cell}" names findings and "${NO_FINDING}" at once. Decide which is right.`,
      )
    }
    const values = Object.freeze(labels.map((label): LabelValue => (found.has(label) ? 1 : 0)))
    known.set(cell, values)
    return values
  }
}

/** NIH's lists, one image name a line; validation images are carved from `train_val_list.txt` later, by patient. */
async function readOfficialSplits(folder: string): Promise<(image: string) => Split | undefined> {
  const [test, train] = await Promise.all(
    ['test_list.txt', 'train_val_list.txt'].map((name) => readList(join(folder, name))),
  )
  return (image) => {
    if (test?.has(image)) return 'test'
    if (train === null || train === undefined) return test ? 'train' : undefined
    return train.has(image) ? 'train' : undefined
  }
}

async function readList(path: string): Promise<Set<string> | null> {
  if (!existsSync(path)) return null
  const lines = (await readFile(path, 'utf8')).split(/\r?\n/)
  return new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))
}
