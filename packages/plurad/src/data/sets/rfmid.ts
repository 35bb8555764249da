import { z } from 'zod'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset } from '../dataset.js'
import { splits } from '../split.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { labelCell } from './label-cell.js'
import { nothingToOpen, tablesWith } from './place.js'
import { assembleSplitTables, tablesBySplit, type SplitTable } from './split-tables.js'
import { columnIndex, listed, type Table } from './table.js'

const ID = 'ID'
const RISK = 'Disease_Risk'
const UNKNOWN = { age: null, sex: null, view: null }

const settings = z.strictObject({
  disease_risk: z
    .boolean()
    .default(false)
    .describe('also take Disease_Risk (any finding at all) as a label, the first'),
  empty: z
    .enum(['drop', 'keep'])
    .default('drop')
    .describe('what to make of labels that no image of any split has'),
})

/**
 * RFMiD, the Retinal Fundus Multi-Disease Image Dataset: a table and a folder for each of the official splits, 45 labels
 * by their abbreviations, no patients. Images are numbered anew in every split: references begin with it, as `train/17`.
 *
 * Pachade et al., Retinal Fundus Multi-Disease Image Dataset (RFMiD), Data 6(2), 2021.
 */
export const rfmid = defineAdapter({
  name: 'rfmid',
  summary: 'RFMiD fundus photographs: train, val and test tables with Disease_Risk and 45 labels',
  settings,
  recognises: async (place) => (await rfmidTables(place)).length > 0,
  open: openRfmid,
})

/** The table named, or those of the splits that there are. */
async function rfmidTables(place: Place): Promise<{ split: SplitTable['split']; file: string }[]> {
  if (place.file !== null) return (await tablesWith(place, [ID, RISK])).map((file) => ({ split: null, file }))
  const found: { split: SplitTable['split']; file: string }[] = []
  const bySplit = tablesBySplit(place)
  for (const split of splits) {
    for (const file of bySplit.get(split) ?? []) {
      const columns = await place.columns(file)
      if (columns?.includes(ID) && columns.includes(RISK)) found.push({ split, file })
    }
  }
  return found
}

async function openRfmid(
  place: Place,
  { disease_risk: withRisk, empty }: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const files = await rfmidTables(place)
  if (files.length === 0) throw nothingToOpen(place)
  const twice = splits.find((split) => files.filter((file) => file.split === split).length > 1)
  if (twice !== undefined) {
    const names = files.filter(({ split }) => split === twice).map(({ file }) => file)
    throw new DataError(
      `${place.folder}: ${names.length} tables for ${twice}, ${listed(names)}. Keep one of them.`,
    )
  }
  const tables = await Promise.all(
    files.map(async ({ split, file }) => ({ split, table: await place.table(file) })),
  )
  const known = commonLabels(tables.map(({ table }) => table))
  const without = known.filter((label) => tables.every(({ table }) => isEmpty(table, label)))
  const usual = known.filter(
    (label) => (withRisk || label !== RISK) && (empty === 'keep' || !without.includes(label)),
  )
  const labels = options.labels ?? usual
  for (const label of labels) {
    if (!known.includes(label))
      throw new DataError(
        `RFMiD has no label "${label}". It has ${listed(known)}.${didYouMean(label, known)}`,
      )
  }
  const columns = new Map(
    tables.map(({ table }) => [table, labels.map((label) => columnIndex(table, label))] as const),
  )
  const dataset = assembleSplitTables(
    place,
    {
      tables,
      imageColumn: ID,
      labels,
      rowOf: (table, row) => ({
        image: table.cell(row, columnIndex(table, ID)),
        patient: null,
        labels: (columns.get(table) ?? []).map((column) => labelCell(table, row, column)),
        metadata: UNKNOWN,
      }),
    },
    options,
  )
  const dropped = known.filter((label) => without.includes(label) && !labels.includes(label))
  return dropped.length === 0 ? dataset : { ...dataset, notes: [droppedNote(dropped)] }
}

function droppedNote(labels: readonly string[]): string {
  return `No image has ${labels.join(', ')}: left out (data.set.empty: keep to have them).`
}

/** @throws DataError where the tables do not have the same labels */
function commonLabels(tables: readonly Table[]): string[] {
  const [first, ...others] = tables.map(({ file, columns }) => ({
    file,
    labels: columns.filter((column) => column !== ID && column !== ''),
  }))
  for (const { file, labels } of others) {
    const missing = first.labels.find((label) => !labels.includes(label))
    const more = labels.find((label) => !first.labels.includes(label))
    if (missing === undefined && more === undefined) continue
    throw new DataError(
      `${file}: ${missing === undefined ? `a column "${more}"` : `no column "${missing}"`}, other than ${first.file}. ` +
        'The tables of all splits need the same labels.',
    )
  }
  return first.labels
}

function isEmpty(table: Table, label: string): boolean {
  const column = columnIndex(table, label)
  return !table.coded(column).texts.some((text) => Number(text) === 1)
}
