import { z } from 'zod'
import { DataError } from '../../errors.js'
import type { Dataset } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { CHEXPERT_LABELS } from './chexpert.js'
import { splitOfRow } from './split-words.js'
import { newNames, relabelled, relabelSettings, type NamedLabel } from './relabel.js'
import { codedAt, metadataOfRow, nullableTextOfRow, textOfRow } from './row-parts.js'
import { columnIndex, listed, type Table } from './table.js'
import { uncertainCells, uncertainLabels, uncertaintySettings } from './uncertainty.js'
import { rowsWhere, whereSetting } from './where.js'
import { openWideTable } from './wide-table.js'

const settings = z.strictObject({
  labeler: z
    .enum(['chexpert', 'negbio'])
    .default('chexpert')
    .describe('whose labels: mimic-cxr-*-chexpert.csv or mimic-cxr-*-negbio.csv'),
  ...uncertaintySettings,
  split: z.enum(['official', 'none']).default('official').describe('mimic-cxr-*-split.csv, or none'),
  where: whereSetting.describe(
    'keep only rows of the metadata table with one of these values, as {ViewPosition: [PA, AP]}',
  ),
  ...relabelSettings,
})

/**
 * MIMIC-CXR and MIMIC-CXR-JPG as they lie on disk: `mimic-cxr-*-chexpert.csv.gz` (labels a study), `-metadata` and
 * `-split` (a row an image), images in `files/p10/p10000032/s50414267/`. Johnson et al., MIMIC-CXR-JPG, 2019,
 * arXiv:1901.07042.
 */
export const mimicCxr = defineAdapter({
  name: 'mimic-cxr',
  summary: 'MIMIC-CXR(-JPG): mimic-cxr-*-chexpert, -metadata and -split.csv, images in files/',
  settings,
  recognises: (place) =>
    tableOf(place, 'chexpert|negbio') !== undefined && tableOf(place, 'metadata|split') !== undefined,
  open: openMimic,
})

function tableOf({ names, file }: Place, what: string): string | undefined {
  const pattern = new RegExp(`^mimic-cxr-[\\d.]+-(?:${what})\\.csv(?:\\.gz)?$`)
  return file === null ? names.find((name) => pattern.test(name)) : undefined
}

function needed(place: Place, what: string): string {
  const file = tableOf(place, what)
  if (file !== undefined) return file
  throw new DataError(
    `${place.folder}: no mimic-cxr-*-${what.replace('|', ' or -')}.csv (also .gz). The folder holds ${listed(place.names.slice(0, 8))}.`,
  )
}

async function openMimic(
  place: Place,
  given: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const { name, folder } = place
  // Both have a row an image; without metadata there are no views.
  const images = await place.table(tableOf(place, 'metadata') ?? needed(place, 'split'))
  const studies = await place.table(needed(place, given.labeler))
  const splitFile = given.split === 'none' ? undefined : tableOf(place, 'split')
  const splits = splitFile === undefined ? undefined : await place.table(splitFile)
  const studyOf = rowsById(images, 'study_id', studies, 'study_id')
  const splitRowOf = splits && rowsById(images, 'dicom_id', splits, 'dicom_id')
  const splitAt = splits && splitOfRow(splits, columnIndex(splits, 'split'))
  const path = pathOf(images)
  const names = newNames(given)
  const ofStudies = relabelled(uncertainLabels(studies, CHEXPERT_LABELS, given), names)
  const dataset = openWideTable(
    {
      name,
      folder,
      table: images,
      imageColumn: 'dicom_id',
      image: path,
      patient: nullableTextOfRow(images.coded(columnIndex(images, 'subject_id'))),
      metadata: metadataOfRow({ view: codedAt(images, images.columns.indexOf('ViewPosition')) }),
      labels: ofStudies.map((label) => ofImages(label, studyOf)),
      split: splitAt && splitRowOf && ((row) => (splitRowOf[row] < 0 ? undefined : splitAt(splitRowOf[row]))),
      keep: rowsWhere(images, given.where),
      unused: (row) => (studyOf[row] < 0 ? `its study has no row in ${studies.file}` : undefined),
      // MIMIC-CXR itself has the same files as DICOM.
      otherReferences: (image) => [image.replace(/\.jpg$/, '.dcm'), image.replace(/^files\//, '')],
    },
    options,
  )
  if (given.policy !== 'u-selftrained') return dataset
  const columns = CHEXPERT_LABELS.map((label) => {
    const { codes, texts } = studies.coded(columnIndex(studies, label))
    return {
      label: names.get(label) ?? label,
      coded: { texts, codes: Uint32Array.from(studyOf, (study) => codes[Math.max(study, 0)]) },
    }
  })
  return { ...dataset, uncertain: uncertainCells(dataset, path, columns) }
}

/** `files/p10/p10000032/s50414267/02aa804e-….jpg`, as the archive's own lists have it. */
function pathOf(images: Table): (row: number) => string {
  const subject = textOfRow(images.coded(columnIndex(images, 'subject_id')))
  const study = textOfRow(images.coded(columnIndex(images, 'study_id')))
  const dicom = columnIndex(images, 'dicom_id')
  return (row) => {
    const patient = subject(row)
    return `files/p${patient.slice(0, 2)}/p${patient}/s${study(row)}/${images.cell(row, dicom)}.jpg`
  }
}

/** For each row of one table the row of another with the same text in a column, or -1. */
function rowsById(of: Table, column: string, other: Table, otherColumn: string): Int32Array {
  const { codes, texts } = other.coded(columnIndex(other, otherColumn))
  const firstRow = new Int32Array(texts.length).fill(-1)
  codes.forEach((code, row) => {
    if (firstRow[code] < 0) firstRow[code] = row
  })
  const codeOf = new Map(texts.map((text, code) => [text, code]))
  const wanted = of.coded(columnIndex(of, column))
  const rows = Int32Array.from(wanted.texts, (text) => firstRow[codeOf.get(text) ?? -1] ?? -1)
  return Int32Array.from(wanted.codes, (code) => rows[code])
}

/** A study's label on each of its images. Rows without a study have any value: they are left out. */
function ofImages({ name, column }: NamedLabel, studyOf: Int32Array): NamedLabel {
  return {
    name,
    column: {
      values: column.values,
      codes: Uint32Array.from(studyOf, (study) => column.codes[Math.max(study, 0)]),
    },
  }
}
