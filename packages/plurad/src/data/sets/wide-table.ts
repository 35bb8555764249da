import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset, Metadata, Split } from '../dataset.js'
import type { OpenOptions } from './adapter.js'
import { assembleDataset, type ImagePlaces, type Row, type UnusedRow } from './assemble.js'
import type { NamedLabel } from './relabel.js'
import { labelsOfRow, type OfRow } from './row-parts.js'
import { listed, type Table } from './table.js'

/** A table with one row an image and one column a label, taken apart by an adapter. */
export interface WideTable extends ImagePlaces {
  name: string
  folder: string
  table: Table
  imageColumn: string
  image: OfRow<string>
  patient: (row: number, image: string) => string | null
  metadata: OfRow<Metadata>
  labels: readonly NamedLabel[]
  split?: OfRow<Split | undefined> | undefined
  /** Rows that are not asked for; these are no skipped rows. */
  keep?: OfRow<boolean> | undefined
  /** Why a row cannot be used. */
  unused?: OfRow<string | undefined> | undefined
}

/** @throws DataError as `assembleDataset`, and for labels that are asked for and not there */
export function openWideTable(wide: WideTable, options: OpenOptions): Dataset {
  const labels = chosen(wide, options.labels)
  const { keep, table } = wide
  const kept = keep === undefined ? null : Int32Array.from(table.rowNumbers.keys()).filter(keep)
  return assembleDataset(
    {
      ...wide,
      table: { file: table.file, rowNumbers: kept?.map((row) => table.rowNumbers[row]) ?? table.rowNumbers },
      labels: labels.map(({ name }) => name),
      rows: rowsOf(wide, labels, kept),
    },
    options,
  )
}

function* rowsOf(
  { table, image, patient, metadata, split, unused }: WideTable,
  labels: readonly NamedLabel[],
  kept: Int32Array | null,
): Generator<Row | UnusedRow> {
  const values = labelsOfRow(labels.map(({ column }) => column))
  const count = kept?.length ?? table.length
  for (let index = 0; index < count; index++) {
    const row = kept?.[index] ?? index
    const reference = image(row)
    const why = unused?.(row)
    if (why !== undefined) {
      yield { image: reference, unused: why }
      continue
    }
    yield {
      image: reference,
      path: undefined,
      patient: patient(row, reference),
      labels: values(row),
      metadata: metadata(row),
      split: split?.(row),
    }
  }
}

function chosen({ table, labels }: WideTable, wanted: readonly string[] | undefined): readonly NamedLabel[] {
  return (
    wanted?.map((name) => {
      const label = labels.find((candidate) => candidate.name === name)
      if (label !== undefined) return label
      const names = labels.map((candidate) => candidate.name)
      throw new DataError(
        `${table.file}: no label "${name}". There are ${listed(names)}.${didYouMean(name, names)}`,
      )
    }) ?? labels
  )
}
