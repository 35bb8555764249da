import { basename, join } from 'node:path'
import { z } from 'zod'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset, LabelValue, Sample } from '../dataset.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { fingerprint } from './assemble.js'
import { classFolders, type ClassFile } from './image-folder-files.js'
import { tablesAt } from './place.js'
import { listed } from './table.js'

const settings = z.strictObject({
  split: z
    .enum(['folders', 'none'])
    .default('folders')
    .describe(
      'folders: train, val and test folders are the split; none: they are read as one, to be split by patient',
    ),
  patient_pattern: z
    .string()
    .optional()
    .describe(
      "regular expression whose first group is the patient, on paths such as train/mass/7_2.png; NIH's names and " +
        'folders such as patient00017 are known',
    ),
  no_finding: z.string().optional().describe('the class that stands for none of the others, such as NORMAL'),
  same_name: z
    .enum(['auto', 'merge', 'separate'])
    .default('auto')
    .describe(
      "a file name in several classes of a split: merge makes it one image with all these labels; auto does for NIH's names",
    ),
})

type Settings = z.infer<typeof settings>

/**
 * Folders of images, one a class: `mass/17.png`, or below folders of a split, `train/mass/17.png`. Each class is a label,
 * which the images below its folder have and the others have not.
 *
 * Where names tell the patient (`00000017_002.png` as NIH has them, or a folder `patient00017`), folders that share
 * patients among splits are found out; other names need `patient_pattern`.
 */
export const imageFolder = defineAdapter({
  name: 'folder',
  summary: 'folders of images, one a class, also below train, val and test',
  settings,
  recognises: (place) => place.file === null && tablesAt(place).length === 0 && isLaidOut(place.folder),
  open: openFolder,
})

/** Two classes or more; `images_001` and the like are where images lie that a table was made for. */
function isLaidOut(folder: string): boolean {
  const labels = new Set(classFolders(folder).files.map(({ label }) => label))
  return labels.size > 1 && ![...labels].every((label) => /^images?([_-]?\d+)?$/i.test(label))
}

/** `00000017_002.png`: patient 17, follow-up 2. */
const NIH_NAME = /^(\d{8})_\d{3}\.[a-z]+$/i
/** CheXpert, MURA: `patient00017/study1/view1_frontal.jpg`. */
const PATIENT_FOLDER = /(?:^|\/)(patient\d+)\//i

function openFolder(place: Place, given: Settings, options: OpenOptions): Dataset {
  const folder = options.images ?? place.folder
  const { files, strays } = classFolders(folder)
  const labels = chosenLabels(folder, files, given, options)
  const patientOf = patients(folder, given.patient_pattern)
  const images = grouped(files, given)
  const valuesOf = oneHot(labels)
  const samples = images.map(({ file: { path, split }, classes }): Sample => ({
    image: path,
    path: join(folder, path),
    patient: patientOf(path),
    labels: valuesOf(classes),
    metadata: UNKNOWN,
    ...(split === null || given.split === 'none' ? {} : { split }),
  }))
  const several = images.filter(({ classes }) => classes.length > 1).length
  return {
    name: place.name,
    labels,
    samples,
    skipped: strays.map((image) => ({ image, reason: 'in no folder of a class' })),
    fingerprint: fingerprint(labels, samples),
    ...(several > 0 && { notes: [`${several} images lie in several classes and have all these labels.`] }),
  }
}

/** @throws DataError for fewer than two classes, and for chosen ones that there are not */
function chosenLabels(
  folder: string,
  files: readonly ClassFile[],
  { no_finding: none }: Settings,
  options: OpenOptions,
): readonly string[] {
  const classes = [...new Set(files.map((file) => file.label))].sort()
  if (classes.length < 2) {
    throw new DataError(
      `${folder}: ${classes.length === 0 ? 'no folders' : `one folder, "${classes[0]}",`} of images. Expected one a class, ` +
        'such as mass/17.png and normal/3.png, or the same below train, val and test.',
    )
  }
  const labels = options.labels ?? classes.filter((label) => label !== none)
  const unknown = [...labels, ...(none === undefined ? [] : [none])].find((label) => !classes.includes(label))
  if (unknown === undefined) return labels
  throw new DataError(
    `${folder}: no class "${unknown}". There are ${listed(classes)}.${didYouMean(unknown, classes)}`,
  )
}

const UNKNOWN = { age: null, sex: null, view: null }

interface Image {
  /** The first of its files. */
  file: ClassFile
  classes: readonly string[]
}

/** One entry an image: the same NIH name in several classes of a split is the same image. */
function grouped(files: readonly ClassFile[], { same_name: rule }: Settings): Image[] {
  const images = new Map<string, Image>()
  for (const file of files) {
    const name = basename(file.path)
    const merge = rule === 'merge' || (rule === 'auto' && NIH_NAME.test(name))
    const key = merge ? `${file.split ?? ''}/${name}` : file.path
    const before = images.get(key)
    if (before === undefined) images.set(key, { file, classes: [file.label] })
    else if (!before.classes.includes(file.label))
      images.set(key, { ...before, classes: [...before.classes, file.label] })
  }
  return [...images.values()]
}

function oneHot(labels: readonly string[]): (classes: readonly string[]) => readonly LabelValue[] {
  const known = new Map<string, readonly LabelValue[]>()
  return (classes) => {
    const key = classes.join('\n')
    const before = known.get(key)
    if (before !== undefined) return before
    const made = Object.freeze(labels.map((label): LabelValue => (classes.includes(label) ? 1 : 0)))
    known.set(key, made)
    return made
  }
}

/** @throws DataError for a pattern that is none, has no group, or does not fit a path */
function patients(folder: string, pattern: string | undefined): (path: string) => string | null {
  if (pattern === undefined)
    return (path) => (NIH_NAME.exec(basename(path)) ?? PATIENT_FOLDER.exec(path))?.[1] ?? null
  let expression: RegExp
  try {
    expression = new RegExp(pattern)
  } catch (error) {
    throw new DataError(`patient_pattern "${pattern}": ${(error as Error).message}`, { cause: error })
  }
  return (path) => {
    const patient = expression.exec(path)?.[1]
    if (patient !== undefined && patient !== '') return patient
    throw new DataError(
      `${join(folder, path)}: patient_pattern "${pattern}" finds no patient in "${path}". Expected a group that ` +
        'matches one in every path, such as "([0-9]+)_[0-9]+[.]png$".',
    )
  }
}
