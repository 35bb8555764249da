import { basename } from 'node:path'
import { z } from 'zod'
import { DataError } from '../../errors.js'
import type { Dataset, Split } from '../dataset.js'
import { splits } from '../split.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { labelCell } from './label-cell.js'
import { assembleSplitTables, tablesBySplit, type SplitTable } from './split-tables.js'
import { columnIndex, listed, type Table } from './table.js'

const PATIENT = /^(patient|subject)[ _]?(id)?$/i
const SUBMISSION = /sample[ _-]?submission\w*\.(csv|tsv|txt)$/i
const UNKNOWN = { age: null, sex: null, view: null }

const settings = z.strictObject({
  id_column: z.string().optional().describe('the column with the names of images; the first when left out'),
  patient_column: z
    .string()
    .optional()
    .describe('the column that says whose image it is; patient, patient_id or PatientID when left out'),
})

/**
 * What competitions hand out: `train_labels.csv` (or `train.csv`), `val_labels.csv`, a folder of images for each, and a
 * `sample_submission` with the images to be predicted, whose columns say which labels are asked for. References begin
 * with the split, as `train/000017.png`. The images of the sample have no labels and are no part of the data set: see
 * `plurad predict --submission`.
 */
export const competition = defineAdapter({
  name: 'competition',
  summary: 'train_labels.csv, val_labels.csv and a sample_submission, as competitions hand them out',
  settings,
  recognises: async (place) => {
    if (place.file !== null) return false
    const files = await labelTables(place)
    return files.has('train') && (files.size > 1 || sampleIn(place) !== undefined)
  },
  open: openCompetition,
})

const sampleIn = ({ names }: Place): string | undefined => names.find((name) => SUBMISSION.test(name))

/** The one table of each split that has labels: a `test.csv` as a rule has not. */
async function labelTables(place: Place): Promise<Map<Split, string>> {
  const found = new Map<Split, string>()
  const bySplit = tablesBySplit(place)
  const train = labelTable(bySplit.get('train') ?? [])
  const columns = train === undefined ? null : await place.columns(train)
  if (columns === null || columns.length < 2) return found
  for (const split of splits) {
    const file = labelTable(bySplit.get(split) ?? [])
    if (file === undefined) continue
    const own = await place.columns(file)
    if (own !== null && columns.every((column) => own.includes(column))) found.set(split, file)
  }
  return found
}

/** Of several, the one that is called after labels. */
function labelTable(files: readonly string[]): string | undefined {
  const named = files.filter((file) => /labels?/i.test(basename(file)))
  return named.length === 1 ? named[0] : files.length === 1 ? files[0] : undefined
}

async function openCompetition(
  place: Place,
  given: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const files = await labelTables(place)
  if (!files.has('train')) {
    throw new DataError(
      `${place.folder}: no table of training labels. Expected one such as train_labels.csv or train.csv, with a column ` +
        'of image names and one a label.',
    )
  }
  const tables: (SplitTable & { split: Split })[] = []
  for (const [split, file] of files) tables.push({ split, table: await place.table(file) })
  const [{ table: first }] = tables
  const sampleName = sampleIn(place)
  const sample = sampleName === undefined ? null : await place.table(sampleName)
  const id = given.id_column ?? first.columns[0]
  columnIndex(first, id)
  const patient =
    given.patient_column ?? first.columns.find((column) => PATIENT.test(column) && column !== id)
  const labels = options.labels ?? labelsAsked(first, sample, [id, patient])
  const columnsOf = new Map(
    tables.map(({ table }) => [table, labels.map((label) => columnIndex(table, label))] as const),
  )
  const dataset = assembleSplitTables(
    place,
    {
      tables,
      imageColumn: id,
      labels,
      rowOf: (table, row) => ({
        image: table.cell(row, columnIndex(table, id)),
        patient: patient === undefined ? null : table.cell(row, columnIndex(table, patient)) || null,
        labels: (columnsOf.get(table) ?? []).map((column) => labelCell(table, row, column)),
        metadata: UNKNOWN,
      }),
    },
    options,
  )
  if (sample === null || sampleName === undefined) return dataset
  const note =
    `The ${sample.length} images of ${sampleName} have no labels and are left out: predict them with ` +
    `plurad predict RUN IMAGES --submission ${sampleName} --out submission.csv.`
  return { ...dataset, notes: [note] }
}

/** The columns of the sample submission, where the training table has them; else all that are not spoken for. */
function labelsAsked(
  table: Table,
  sample: Table | null,
  others: readonly (string | undefined)[],
): readonly string[] {
  const left = table.columns.filter((column) => column !== '' && !others.includes(column))
  const asked = left.filter((column) => sample?.columns.includes(column))
  const labels = asked.length > 0 ? asked : left
  if (labels.length > 0) return labels
  throw new DataError(`${table.file}: no label columns. Its columns are ${listed(table.columns)}.`)
}
