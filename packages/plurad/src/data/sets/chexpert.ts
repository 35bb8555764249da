import { z } from 'zod'
import type { Dataset, Split } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { joinDatasets } from './join.js'
import { foundOrAll, tablesWith } from './place.js'
import { relabelled, relabelSettings, newNames } from './relabel.js'
import { metadataOfRow, type OfRow } from './row-parts.js'
import { columnIndex, type CodedColumn, type Table } from './table.js'
import { uncertainCells, uncertainLabels, uncertaintySettings } from './uncertainty.js'
import { rowsWhere, whereSetting } from './where.js'
import { openWideTable } from './wide-table.js'

/** The labels of CheXpert and of all tables that its labeller made, in the order of its table. */
export const CHEXPERT_LABELS = [
  'No Finding',
  'Enlarged Cardiomediastinum',
  'Cardiomegaly',
  'Lung Opacity',
  'Lung Lesion',
  'Edema',
  'Consolidation',
  'Pneumonia',
  'Atelectasis',
  'Pneumothorax',
  'Pleural Effusion',
  'Pleural Other',
  'Fracture',
  'Support Devices',
] as const

const VIEW = 'Frontal/Lateral'
const PROJECTION = 'AP/PA'

const settings = z.strictObject({
  ...uncertaintySettings,
  valid: z
    .enum(['val', 'test', 'none'])
    .default('val')
    .describe(
      'what valid.csv, 200 patients read by three radiologists, is: the val split, the test split, or left out',
    ),
  where: whereSetting,
  ...relabelSettings,
})

/**
 * CheXpert as it lies on disk: `train.csv` and `valid.csv` with a path an image, labels 1, 0, -1 (uncertain) and blank
 * (not mentioned). The patient stands in the path. Irvin et al., CheXpert, AAAI 2019, arXiv:1901.07031.
 */
export const chexpert = defineAdapter({
  name: 'chexpert',
  summary: 'CheXpert: train.csv and valid.csv with Path and 14 labels, uncertain values by a policy',
  settings,
  recognises: async (place) => (await tablesWith(place, ['Path', VIEW, ...CHEXPERT_LABELS])).length > 0,
  open: openChexpert,
})

async function openChexpert(
  place: Place,
  given: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const files = foundOrAll(place, await tablesWith(place, ['Path', ...CHEXPERT_LABELS]))
  const parts: Dataset[] = []
  // The training rows first, wherever `train.csv` stands in the alphabet.
  for (const file of [...files].sort((a, b) => Number(/train/i.test(b)) - Number(/train/i.test(a)))) {
    const split = files.length > 1 ? splitOfFile(file, given.valid) : undefined
    if (split === 'none') continue
    parts.push(openTable(place, await place.table(file), split, given, options))
  }
  return joinDatasets(place.name, parts)
}

/** One table alone says nothing of a split. */
function splitOfFile(file: string, valid: 'val' | 'test' | 'none'): Split | 'none' | undefined {
  if (/valid/i.test(file)) return valid
  return /test/i.test(file) ? 'test' : 'train'
}

function openTable(
  { name, folder }: Place,
  table: Table,
  split: Split | undefined,
  given: z.infer<typeof settings>,
  options: OpenOptions,
): Dataset {
  const path = columnIndex(table, 'Path')
  const [sex, age] = ['Sex', 'Age'].map((column) => table.coded(columnIndex(table, column)))
  const view = views(table.coded(columnIndex(table, VIEW)), table.coded(columnIndex(table, PROJECTION)))
  const image: OfRow<string> = (row) => table.cell(row, path)
  const names = newNames(given)
  const patientOf = patientFinder()
  const dataset = openWideTable(
    {
      name,
      folder,
      table,
      imageColumn: 'Path',
      image,
      patient: (_, reference) => patientOf(reference),
      metadata: metadataOfRow({ sex, age, view }),
      labels: relabelled(uncertainLabels(table, CHEXPERT_LABELS, given), names),
      split: split && (() => split),
      keep: rowsWhere(table, given.where),
      roots: ['.', '..'],
      // The path begins with the archive's own folder, which may have been renamed.
      otherReferences: (reference) => [reference.slice(reference.indexOf('/') + 1)],
    },
    options,
  )
  if (given.policy !== 'u-selftrained') return dataset
  const columns = CHEXPERT_LABELS.map((label) => ({
    label: names.get(label) ?? label,
    coded: table.coded(columnIndex(table, label)),
  }))
  return { ...dataset, uncertain: uncertainCells(dataset, image, columns) }
}

/** `PA`, `AP` and the like for frontal images, `Lateral` for lateral ones, which have no other name. */
function views(view: CodedColumn, projection: CodedColumn): CodedColumn {
  const texts = view.texts.flatMap((side) => projection.texts.map((name) => name || side))
  const codes = Uint16Array.from(
    view.codes,
    (code, row) => code * projection.texts.length + projection.codes[row],
  )
  return { codes, texts }
}

/**
 * `CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg`: `patient00001`. A patient's images follow each other, and
 * share the text.
 */
function patientFinder(): (path: string) => string | null {
  let start = '?'
  let patient: string | null = null
  return (path) => {
    if (path.startsWith(start)) return patient
    const found = /^(?:.*?\/)?(patient\d+)\//.exec(path)
    if (found === null) return null
    start = found[0]
    patient = found[1]
    return patient
  }
}
