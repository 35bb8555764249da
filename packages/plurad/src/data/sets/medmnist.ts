import { basename, join } from 'node:path'
import { z } from 'zod'
import { DataError } from '../../errors.js'
import { didYouMean } from '../../suggest.js'
import type { Dataset, LabelValue, Sample } from '../dataset.js'
import { listArrays, readArray, type ArrayInfo } from '../formats/numpy/arrays.js'
import { splits } from '../split.js'
import { defineAdapter, type OpenOptions, type Place } from './adapter.js'
import { fingerprint } from './assemble.js'
import { medmnistLabels } from './medmnist-labels.js'
import { listed } from './table.js'

const NPZ = /\.npz$/i

const settings = z.strictObject({
  label_names: z
    .array(z.string().min(1))
    .nonempty()
    .optional()
    .describe("names of the columns or classes of *_labels, in their order; MedMNIST's own are known"),
})

/**
 * MedMNIST's files, of any size, and others laid out like them: arrays `train_images`, `train_labels` and the same for
 * `val` and `test`. `[N, L]` labels of 0 and 1 are L labels; `[N, 1]` or `[N]` numbers of classes become one label a
 * class. The files name no patients: that the official split keeps them apart cannot be checked.
 *
 * ChestMNIST has the split of CheXNet's lists, which is not the official one of NIH ChestX-ray14.
 */
export const medmnist = defineAdapter({
  name: 'medmnist',
  summary: 'MedMNIST .npz of any size: train_images, train_labels and so on',
  settings,
  recognises: (place) => fileOf(place).some(isMedmnist),
  open: openMedmnist,
})

/** The file named, or the folder's. */
function fileOf({ file, folder, names }: Place): string[] {
  if (file !== null) return NPZ.test(file) ? [file] : []
  return names.filter((name) => NPZ.test(name)).map((name) => join(folder, name))
}

function isMedmnist(file: string): boolean {
  try {
    const names = listArrays(file).map(({ name }) => name)
    return names.includes('train_images') && names.includes('train_labels')
  } catch {
    return medmnistLabels(basename(file)) !== null
  }
}

async function openMedmnist(
  place: Place,
  { label_names: names }: z.infer<typeof settings>,
  options: OpenOptions,
): Promise<Dataset> {
  const files = fileOf(place)
  if (files.length !== 1) {
    throw new DataError(
      files.length === 0
        ? `${place.folder}: no .npz file. Expected one of MedMNIST's, such as chestmnist.npz.`
        : `${place.folder}: ${files.length} files, ${listed(files.map((file) => basename(file)))}. Name the one to open instead of the folder.`,
    )
  }
  const [file] = files
  const stem = basename(file).replace(NPZ, '')
  const arrays = new Map(listArrays(file).map((array) => [array.name, array]))
  const parts = splits.flatMap((split) => {
    const images = arrays.get(`${split}_images`)
    return images === undefined
      ? []
      : [{ split, images, labels: readLabels(file, `${split}_labels`, images) }]
  })
  if (parts.length === 0) {
    throw new DataError(
      `${file}: it has the arrays ${listed([...arrays.keys()])}, where train_images, train_labels and so on are expected.`,
    )
  }
  const kind = kindOf(
    file,
    parts.map(({ labels }) => labels),
  )
  const known = labelNames(file, stem, names, kind)
  const kept = (options.labels ?? known).map((label) => {
    const at = known.indexOf(label)
    if (at < 0)
      throw new DataError(
        `${file} has no label "${label}". It has ${listed(known)}.${didYouMean(label, known)}`,
      )
    return at
  })
  const labels = kept.map((at) => known[at])
  const valuesOf = rowLabels(kind, kept)
  const samples = parts.flatMap(({ split, images, labels: rows }) =>
    Array.from({ length: images.shape[0] }, (_, row): Sample => {
      const reference = `#${images.name}/${row}`
      return {
        image: basename(file) + reference,
        path: file + reference,
        patient: null,
        labels: valuesOf(rows, row),
        metadata: UNKNOWN,
        split,
      }
    }),
  )
  return {
    name: stem,
    labels,
    samples,
    skipped: [],
    fingerprint: fingerprint(labels, samples),
    ...notesOf(stem, names === undefined && medmnistLabels(stem) === null),
  }
}

const UNKNOWN = { age: null, sex: null, view: null }

function notesOf(stem: string, nameless: boolean): Pick<Dataset, 'notes'> {
  if (nameless)
    return { notes: [`The labels of ${stem} have no names here: give them by data.set.label_names.`] }
  return /^chestmnist/i.test(stem)
    ? { notes: ["ChestMNIST has CheXNet's random split: compare with nothing on NIH's official split."] }
    : {}
}

/** Labels of a split, [N, columns]. */
interface Rows {
  name: string
  columns: number
  values: Float64Array
}

/** @throws DataError where the labels do not fit the images */
function readLabels(file: string, name: string, images: ArrayInfo): Rows {
  if (images.shape.length === 4 && ![1, 3, 4].includes(images.shape[3])) {
    throw new DataError(
      `${file}: ${images.name} holds volumes, [${images.shape.join(', ')}], where [N, H, W] or [N, H, W, 3] is expected. ` +
        "MedMNIST's 3-D sets cannot be read.",
    )
  }
  const { shape, values } = readArray(file, name)
  if (!(values instanceof Float64Array) || shape.length > 2 || shape[0] !== images.shape[0]) {
    throw new DataError(
      `${file}: ${name} has the shape [${shape.join(', ')}], where numbers of [${images.shape[0]}, labels] are expected, ` +
        `a row for each of ${images.name}.`,
    )
  }
  return { name, columns: shape[1] ?? 1, values }
}

/** Several labels an image, or one class of several. */
interface Kind {
  multilabel: boolean
  count: number
}

/** @throws DataError for values that are neither */
function kindOf(file: string, parts: readonly Rows[]): Kind {
  const columns = parts[0].columns
  const other = parts.find((part) => part.columns !== columns)
  if (other !== undefined) {
    throw new DataError(
      `${file}: ${parts[0].name} has ${columns} columns and ${other.name} ${other.columns}: expected the same labels.`,
    )
  }
  let largest = 0
  for (const { name, values } of parts) {
    const limit = columns > 1 ? 1 : MOST_CLASSES
    const wrong = values.findIndex((value) => !Number.isInteger(value) || value < 0 || value > limit)
    if (wrong >= 0) {
      throw new DataError(
        `${file}: ${name}, row ${Math.floor(wrong / columns)}: ${values[wrong]}, where ` +
          `${columns > 1 ? '0 or 1' : 'the number of a class, from 0 on,'} is expected.`,
      )
    }
    for (const value of values) if (value > largest) largest = value
  }
  return columns > 1 ? { multilabel: true, count: columns } : { multilabel: false, count: largest + 1 }
}

/** Numbers beyond it are no classes but something measured. */
const MOST_CLASSES = 9999

function labelNames(
  file: string,
  stem: string,
  given: readonly string[] | undefined,
  { multilabel, count }: Kind,
): readonly string[] {
  const names = given ?? medmnistLabels(stem)
  if (names === null)
    return Array.from({ length: count }, (_, index) => `${multilabel ? 'label' : 'class'} ${index}`)
  // A class that no image has leaves no trace in the numbers.
  if (names.length === count || (!multilabel && names.length > count)) return names
  throw new DataError(
    `${file}: ${count} ${multilabel ? 'columns of labels' : 'classes'}, but ${names.length} names: ${listed(names)}. ` +
      'Give as many by the setting label_names.',
  )
}

/** Labels of a row as one value for each of `kept`; rows with the same share one array. */
function rowLabels(
  { multilabel }: Kind,
  kept: readonly number[],
): (rows: Rows, row: number) => readonly LabelValue[] {
  const known = new Map<string, readonly LabelValue[]>()
  return ({ columns, values }, row) => {
    const own = values.subarray(row * columns, (row + 1) * columns)
    const key = own.join()
    const before = known.get(key)
    if (before !== undefined) return before
    const made = Object.freeze(
      kept.map((at): LabelValue => ((multilabel ? own[at] === 1 : own[0] === at) ? 1 : 0)),
    )
    known.set(key, made)
    return made
  }
}
