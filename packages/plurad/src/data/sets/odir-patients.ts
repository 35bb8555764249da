/** ODIR-5K's table as patients with two eyes, and its photographs. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DataError } from '../../errors.js'
import type { LabelValue, Metadata } from '../dataset.js'
import type { OpenOptions } from './adapter.js'
import { ImageFolder } from './folder.js'
import { labelCell } from './label-cell.js'
import { parseAge, parseSex } from './metadata.js'
import { ODIR_LABELS, ODIR_LONG_NAMES, parseKeywords } from './odir-keywords.js'
import { columnIndex, type Table } from './table.js'

export interface Eye {
  side: 'left' | 'right'
  /** As the table names it; '' for none. */
  file: string
  /** Null where the file is not there. */
  path: string | null
  keywords: readonly string[]
}

export interface Patient {
  id: string
  /** Number in the file. */
  row: number
  age: number | null
  sex: Metadata['sex']
  /** The table's labels, in the order of `ODIR_LABELS`. */
  classes: readonly LabelValue[]
  eyes: readonly Eye[]
}

/** Where copies of the data set keep the photographs, beside the usual places. */
const IMAGE_FOLDERS = [
  'Training Images',
  'ODIR-5K/Training Images',
  'ODIR-5K/ODIR-5K/Training Images',
  'ODIR-5K_Training_Dataset',
  '../Images',
  'preprocessed_images',
]

/** Gives the path of a photograph, null where it is not there. */
export function photographs(
  folder: string,
  { images, requireImages = true }: OpenOptions,
): (file: string) => string | null {
  if (!requireImages) return (file) => (file === '' ? null : join(images ?? folder, file))
  const further = IMAGE_FOLDERS.map((name) => join(folder, name)).filter((path) => existsSync(path))
  const roots = images === undefined ? [...ImageFolder.around(folder).roots, ...further] : [resolve(images)]
  const files = new ImageFolder(roots)
  return (file) => (file === '' ? null : files.locate(file))
}

/** One a patient: some copies have a row for each eye, which say the same of the patient. */
export function readPatients(table: Table, locate: (file: string) => string | null): Patient[] {
  const column = (name: string) => columnIndex(table, name)
  const [id, age, sex] = ['ID', 'Patient Age', 'Patient Sex'].map(column)
  const classes = ODIR_LABELS.map((letter, index) =>
    column(table.columns.includes(letter) ? letter : ODIR_LONG_NAMES[index]),
  )
  const sides = (['left', 'right'] as const).map((side) => {
    const word = side === 'left' ? 'Left' : 'Right'
    return { side, file: column(`${word}-Fundus`), keywords: column(`${word}-Diagnostic Keywords`) }
  })
  const patients = new Map<string, { patient: Patient; text: string }>()
  for (let row = 0; row < table.length; row++) {
    const cell = (at: number) => table.cell(row, at)
    const text = sides.flatMap(({ file, keywords }) => [cell(file), cell(keywords)]).join('\n')
    const before = patients.get(cell(id))
    if (before !== undefined) {
      if (before.text === text) continue
      throw new DataError(
        `${table.file}, row ${table.rowNumbers[row]}, column "ID": patient "${cell(id)}" also stands in row ` +
          `${before.patient.row}, with other photographs or keywords. Decide which is right and remove the other row.`,
      )
    }
    const patient = {
      id: cell(id),
      row: table.rowNumbers[row],
      age: knownAge(parseAge(cell(age))),
      sex: parseSex(cell(sex)),
      classes: classes.map((at) => labelCell(table, row, at)),
      eyes: sides.map(({ side, file, keywords }) => ({
        side,
        file: cell(file),
        path: locate(cell(file)),
        keywords: parseKeywords(cell(keywords)),
      })),
    }
    patients.set(patient.id, { patient, text })
  }
  return [...patients.values()].map(({ patient }) => patient)
}

/** Patients who are said to be one year old have degenerations of the old: it stands for an age that nobody knew. */
function knownAge(age: number | null): number | null {
  return age === 1 ? null : age
}
