import { z } from 'zod'
import { DataError } from '../../errors.js'
import type { Dataset, LabelValue } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { assembleDataset, type Row, type UnusedRow } from './assemble.js'
import { saysNothing } from './odir-keywords.js'
import { classLabels, keywordLabels, shownLabels, type Subject } from './odir-labels.js'
import { photographs, readPatients, type Patient } from './odir-patients.js'
import { onlyTable, tablesWith } from './place.js'
import { listed, type Table } from './table.js'

const settings = z.strictObject({
  sample: z
    .enum(['patient', 'eye'])
    .default('patient')
    .describe("patient: both eyes and the table's labels; eye: one image and the labels of its own keywords"),
  labels: z
    .enum(['classes', 'keywords'])
    .default('classes')
    .describe("classes: the challenge's eight; keywords: each finding that the readers name"),
  min_cases: z.int().min(1).default(20).describe('keywords: how many samples a finding needs to be a label'),
  missing_eye: z
    .enum(['keep', 'unknown'])
    .default('keep')
    .describe('patient: what to make of labels that only an eye without an image shows'),
})

type Settings = z.infer<typeof settings>

/**
 * ODIR-5K: one row a patient, a photograph of each eye, eight labels for the patient, diagnostic keywords for each eye.
 *
 * The labels are those of both eyes together, so that they fit neither eye alone: `sample: patient` gives both images
 * as one sample, `sample: eye` derives each eye's labels from its keywords. A patient of whom one eye is missing has
 * the other as the first image, and '' after it.
 *
 * Peking University International Competition on Ocular Disease Intelligent Recognition, 2019.
 */
export const odir = defineAdapter({
  name: 'odir',
  summary: 'ODIR-5K fundus photographs: one row a patient, labels and keywords of both eyes',
  settings,
  recognises: async (place) => (await odirTables(place)).length > 0,
  open: openOdir,
})

const odirTables = (place: Place): Promise<string[]> =>
  tablesWith(place, ['Left-Fundus', 'Right-Fundus', 'Left-Diagnostic Keywords', 'Right-Diagnostic Keywords'])

async function openOdir(place: Place, given: Settings, options: OpenOptions): Promise<Dataset> {
  const { name, folder } = place
  const table = await place.table(onlyTable(place, await odirTables(place)))
  const patients = readPatients(table, photographs(folder, options))
  const perEye = given.sample === 'eye'
  const subjects: readonly Subject[] = perEye ? patients.flatMap(eyesOf) : patients.map(bothEyesOf)
  // Nothing can be learned from an eye of which its readers could say nothing; without an image it is skipped anyway.
  const isSilent = ({ eyes, seen }: Subject) => perEye && seen.length > 0 && saysNothing(eyes[0].keywords)
  const labelling =
    given.labels === 'classes'
      ? classLabels(options.labels)
      : keywordLabels(subjects, given.min_cases, options.labels)
  const rows = subjects.map((subject): Row | UnusedRow => {
    const { image, eyes, patient } = subject
    if (isSilent(subject))
      return { image, unused: `no diagnosis: all that is said is ${listed(eyes[0].keywords)}` }
    const labels =
      given.missing_eye === 'keep' ? labelling.valuesOf(eyes, patient) : shownLabels(labelling, subject)
    return rowOf(subject, labels, perEye)
  })
  const lost = perEye ? [] : lostEyes(subjects, table)
  if (options.strict === true) refuseLost(lost, table)
  const rowNumbers = Int32Array.from(subjects, ({ patient }) => patient.row)
  const dataset = assembleDataset(
    {
      name,
      folder,
      table: { file: table.file, rowNumbers },
      imageColumn: perEye ? 'Left-Fundus' : 'ID',
      labels: labelling.labels,
      rows,
    },
    options,
  )
  const skipped = [...dataset.skipped, ...lost]
  if (given.missing_eye === 'unknown') return { ...dataset, skipped }
  const unseen = subjects.filter((subject, row) =>
    isUnseen(rows[row], shownLabels(labelling, subject)),
  ).length
  const note =
    `${unseen} patients have labels that only an eye without an image shows, or rules out: kept as the table has them ` +
    '(data.set.missing_eye=unknown leaves them out).'
  return { ...dataset, skipped, ...(unseen > 0 && { notes: [note] }) }
}

/** Whether a row's labels are more than its images can show. */
function isUnseen(row: Row | UnusedRow, shown: readonly LabelValue[]): boolean {
  return 'labels' in row && row.labels.some((value, label) => value !== shown[label])
}

function bothEyesOf(patient: Patient): Subject {
  const { id, eyes } = patient
  return { image: id, patient, eyes, seen: eyes.filter(({ path }) => path !== null) }
}

function eyesOf(patient: Patient): Subject[] {
  return patient.eyes
    .filter(({ file }) => file !== '')
    .map((eye) => ({ image: eye.file, patient, eyes: [eye], seen: eye.path === null ? [] : [eye] }))
}

function rowOf({ image, patient, seen }: Subject, labels: readonly LabelValue[], perEye: boolean): Row {
  const [first, second] = seen
  const view = seen.length === 2 ? 'both' : seen.length === 1 ? first.side : null
  return {
    image,
    path: seen.length === 0 ? null : first.path,
    ...(perEye ? {} : { also: [seen.length === 2 ? (second.path ?? '') : ''] }),
    patient: patient.id,
    labels,
    metadata: { age: patient.age, sex: patient.sex, view },
  }
}

/** Photographs that are not there while the other eye's is. */
function lostEyes(subjects: readonly Subject[], { file }: Table): Dataset['skipped'] {
  return subjects.flatMap(({ patient, eyes, seen }) =>
    seen.length === 0
      ? []
      : eyes
          .filter((eye) => eye.path === null && eye.file !== '')
          .map((eye) => ({
            image: eye.file,
            reason: `no such file (${file}, row ${patient.row}); the patient is read with the other eye alone`,
          })),
  )
}

function refuseLost(lost: Dataset['skipped'], { file }: Table): void {
  if (lost.length === 0) return
  throw new DataError(
    `${file}: ${lost.length} photographs are missing, such as ${listed(lost.slice(0, 3).map(({ image }) => image))}. ` +
      'Without strict their patients would be read with the other eye alone.',
  )
}
