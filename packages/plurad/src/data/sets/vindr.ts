import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset, LabelValue, Split } from '../dataset.js'
import { splits } from '../split.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { assembleDataset, type Row } from './assemble.js'
import { joinDatasets } from './join.js'
import { labelColumn, labelWords } from './label-words.js'
import { foundOrAll, tablesAt } from './place.js'
import { newNames, relabelSettings } from './relabel.js'
import { columnIndex, listed, TABLE_NAME, type Table } from './table.js'

const settings = z.strictObject({
  votes: z
    .enum(['any', 'majority', 'all'])
    .default('majority')
    .describe(
      'how many of the radiologists who read an image have to see a finding: any, more than half, all',
    ),
  ...relabelSettings,
})

type Votes = z.infer<typeof settings>['votes']

/** What the test table of VinDr-CXR calls otherwise than its training table. */
const SAME = new Map([['Other disease', 'Other diseases']])

/**
 * VinDr-CXR and tables like it: several rows an image, one a radiologist (`image_labels_train.csv`, a column a label) or
 * one a box (`annotations_train.csv`, Kaggle's `train.csv`; `class_name` and `rad_id`), made one label an image by votes.
 * The label tables go before the box tables, which have only the findings that have a place. No table names a patient.
 * Nguyen et al., VinDr-CXR, Scientific Data 2022, arXiv:2012.15029.
 */
export const vindr = defineAdapter({
  name: 'vindr',
  summary: 'VinDr-CXR: image_labels_*.csv or boxes by image_id, rad_id and class_name; labels by votes',
  settings,
  recognises: async (place) => (await voteTables(place)).length > 0,
  open: openVindr,
})

/** Tables at the place or in its `annotations/`; those with a column a label before those with boxes. */
async function voteTables(place: Place): Promise<string[]> {
  const inside = place.file === null ? list(join(place.folder, 'annotations')) : []
  const candidates = [
    ...tablesAt(place),
    ...inside.filter((name) => TABLE_NAME.test(name)).map((name) => `annotations/${name}`),
  ]
  const wide: string[] = []
  const boxes: string[] = []
  for (const file of candidates) {
    const columns = (await place.columns(file)) ?? []
    if (!columns.includes('image_id')) continue
    if (columns.includes('class_name') && columns.includes('rad_id')) boxes.push(file)
    else if (columns.includes('rad_id') || /image_labels/i.test(file)) wide.push(file)
  }
  return wide.length > 0 ? wide : boxes
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

async function openVindr(
  place: Place,
  { votes, ...relabel }: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const files = foundOrAll(place, await voteTables(place))
  const names = newNames(relabel)
  const read: { split: Split | undefined; readings: Readings }[] = []
  for (const file of files) {
    const table = await place.table(file)
    const readings = table.columns.includes('class_name') ? fromBoxes(table) : fromColumns(table)
    read.push({ split: files.length > 1 ? splitOfFile(place, file) : undefined, readings })
  }
  read.sort((a, b) => order(a.split) - order(b.split))
  const all = [...new Set(read.flatMap(({ readings }) => readings.labels))]
  const known = [...new Set(all.map((label) => names.get(label) ?? label))]
  const labels = options.labels ?? known
  const unknown = labels.find((label) => !known.includes(label))
  if (unknown !== undefined) {
    throw new DataError(
      `${place.folder}: no label "${unknown}". There are ${listed(known)}.${didYouMean(unknown, known)}`,
    )
  }
  const sources = labels.map((label) => all.filter((name) => (names.get(name) ?? name) === label))
  const parts = read.map(({ split, readings }) =>
    assembleDataset(
      {
        name: place.name,
        folder: place.folder,
        table: readings.table,
        imageColumn: 'image_id',
        labels,
        rows: rowsOf(readings, sources, votes, split),
        roots: ['.', 'images', 'train', 'test', 'train_png', 'test_png'],
      },
      options,
    ),
  )
  return joinDatasets(place.name, parts)
}

function order(split: Split | undefined): number {
  return split === undefined ? -1 : splits.indexOf(split)
}

function splitOfFile({ folder }: Place, file: string): Split {
  const split = /train/i.test(file)
    ? 'train'
    : /test/i.test(file)
      ? 'test'
      : /val/i.test(file)
        ? 'val'
        : undefined
  if (split !== undefined) return split
  throw new DataError(
    `${folder}: the name of ${file} does not say whether it is for train, val or test. Name the table to open instead ` +
      'of the folder.',
  )
}

/** What each radiologist said of each image. */
interface Readings {
  /** With the row in which each image comes first. */
  table: Pick<Table, 'file' | 'rowNumbers'>
  labels: readonly string[]
  images: readonly string[]
  /** By image and radiologist; what a radiologist has no entry for was not seen. */
  readers: readonly ReadonlyMap<string, ReadonlyMap<string, LabelValue>>[]
}

/** One row a box. */
function fromBoxes(table: Table): Readings {
  const [reader, label] = ['rad_id', 'class_name'].map((name) => columnIndex(table, name))
  return gather(
    table,
    [...table.coded(label).texts].filter((text) => text !== ''),
    (row, findings) => {
      findings.set(table.cell(row, label), 1)
      return table.cell(row, reader)
    },
  )
}

/** One row a radiologist, or one alone with what several agreed on. */
function fromColumns(table: Table): Readings {
  const reader = table.columns.indexOf('rad_id')
  const image = columnIndex(table, 'image_id')
  const words = labelWords()
  const columns = table.columns.flatMap((name, column) =>
    column === image || column === reader || name === ''
      ? []
      : [{ name: SAME.get(name) ?? name, ...labelColumn(table, column, words) }],
  )
  return gather(
    table,
    columns.map(({ name }) => name),
    (row, findings) => {
      for (const { name, codes, values } of columns) findings.set(name, values[codes[row]])
      return reader < 0 ? '' : table.cell(row, reader)
    },
  )
}

/** @param add puts a row's findings to those of its radiologist, whose name it returns */
function gather(
  table: Table,
  labels: readonly string[],
  add: (row: number, findings: Map<string, LabelValue>) => string,
): Readings {
  const image = columnIndex(table, 'image_id')
  const indexOf = new Map<string, number>()
  const readers: Map<string, Map<string, LabelValue>>[] = []
  const firstRows: number[] = []
  for (let row = 0; row < table.length; row++) {
    const reference = table.cell(row, image)
    let index = indexOf.get(reference)
    if (index === undefined) {
      index = readers.push(new Map()) - 1
      indexOf.set(reference, index)
      firstRows.push(table.rowNumbers[row])
    }
    const findings = new Map<string, LabelValue>()
    const reader = add(row, findings)
    const before = readers[index].get(reader)
    if (before === undefined) readers[index].set(reader, findings)
    else for (const [label, value] of findings) before.set(label, value)
  }
  return {
    table: { file: table.file, rowNumbers: Int32Array.from(firstRows) },
    labels,
    images: [...indexOf.keys()],
    readers,
  }
}

function* rowsOf(
  { images, readers }: Readings,
  sources: readonly (readonly string[])[],
  votes: Votes,
  split: Split | undefined,
): Generator<Row> {
  for (const [index, image] of images.entries()) {
    const opinions = [...readers[index].values()]
    yield {
      image,
      path: undefined,
      patient: null,
      labels: sources.map((parts) => decide(opinions, parts, votes)),
      metadata: NOTHING_KNOWN,
      split,
    }
  }
}

const NOTHING_KNOWN = { age: null, sex: null, view: null } as const

/** Present where enough radiologists saw one of the findings; unknown where none of them decided. */
function decide(
  opinions: readonly ReadonlyMap<string, LabelValue>[],
  parts: readonly string[],
  votes: Votes,
): LabelValue {
  let seen = 0
  let asked = 0
  for (const opinion of opinions) {
    const values = parts.map((part) => opinion.get(part) ?? (opinion.has(part) ? null : 0))
    if (values.every((value) => value === null)) continue
    asked++
    if (values.includes(1)) seen++
  }
  if (asked === 0) return null
  return (votes === 'any' ? seen > 0 : votes === 'all' ? seen === asked : seen * 2 > asked) ? 1 : 0
}
