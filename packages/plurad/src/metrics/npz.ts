import { DataError } from '../errors.js'
import { listArrays, readArray, type ArrayInfo, type NumberArray } from '../data/formats/numpy/arrays.js'
import { sigmoid } from './calibration/logit.js'
import type { Predictions } from './predictions.js'

/** Names under which programs save each part; `test_`, `val_` and the like may stand before them. */
const NAMES = {
  scores: [
    'logits',
    'logit',
    'probabilities',
    'probs',
    'scores',
    'predictions',
    'preds',
    'outputs',
    'y_score',
    'y_pred',
  ],
  truth: ['labels', 'label', 'targets', 'target', 'truth', 'y_true', 'y'],
  patients: ['patient', 'patients', 'patient_id', 'patient_ids'],
  images: ['image', 'images', 'image_id', 'image_ids', 'files', 'filenames', 'paths'],
  labelNames: ['label_names', 'class_names', 'classes'],
} as const

/**
 * Predictions that another program saved with `numpy.savez`: scores or logits [N, C], truth [N, C] (1, 0, NaN or -1 for
 * unknown), and, where there are, patients [N], images [N] and label names [C]. Logits, told by their name or by values
 * outside [0, 1], become probabilities by the sigmoid.
 *
 * @param labels Names of the columns, where the file has none.
 * @param split Takes `<split>_logits` and so on, where the file holds several.
 * @throws DataError naming the file and what is missing or does not fit
 */
export function readPredictionsNpz(
  file: string,
  { labels, split = 'test' }: { labels?: readonly string[] | undefined; split?: string } = {},
): Predictions {
  const infos = listArrays(file)
  const find = (part: keyof typeof NAMES): ArrayInfo | null => findArray(infos, NAMES[part], split)
  const scoreInfo = find('scores')
  const truthInfo = find('truth')
  if (scoreInfo === null || truthInfo === null) {
    const [what, names] = scoreInfo === null ? ['scores', NAMES.scores] : ['truth', NAMES.truth]
    throw new DataError(
      `${file} has no array of ${what}: found ${infos.map(({ name }) => name).join(', ') || 'none'}, expected one of ` +
        `${names.join(', ')}, or ${split}_${names[0]} and so on.`,
    )
  }
  const scores = numbers(file, scoreInfo)
  const truth = numbers(file, truthInfo)
  const [rows, columns] = scores.shape
  if (scores.shape.length !== 2 || truth.shape.join() !== scores.shape.join()) {
    throw new DataError(
      `${file}: ${scores.name} is ${scores.shape.join(' x ')} and ${truth.name} ${truth.shape.join(' x ')}: expected ` +
        'images x labels for both.',
    )
  }
  const images =
    names(file, find('images'), rows) ?? Array.from({ length: rows }, (_, row) => `row ${row + 1}`)

  if (new Set(images).size !== images.length) {
    const repeated = images.find((image, row) => images.indexOf(image) !== row)
    throw new DataError(`${file}: the image '${repeated}' occurs twice.`)
  }
  const logits = /logit/.test(scores.name) || scores.values.some((value) => value < 0 || value > 1)
  return {
    labels: labelNames(file, labels ?? names(file, find('labelNames'), columns), columns),
    images,
    patients: names(file, find('patients'), rows) ?? images.map(() => null),
    scores: logits ? scores.values.map(sigmoid) : scores.values,
    truth: truth.values.map((value) => (value === -1 ? NaN : value)),
  }
}

function findArray(infos: readonly ArrayInfo[], wanted: readonly string[], split: string): ArrayInfo | null {
  for (const name of wanted) {
    const found =
      infos.find((info) => info.name.toLowerCase() === `${split}_${name}`) ??
      infos.find((info) => info.name.toLowerCase() === name)
    if (found !== undefined) return found
  }
  return null
}

function numbers(file: string, { name }: ArrayInfo): NumberArray {
  const array = readArray(file, name)
  if (array.values instanceof Float64Array) return { ...array, values: array.values }
  throw new DataError(`${file}: array ${name} holds text, where numbers are expected.`)
}

/** An array of names or numbers, as text. */
function names(file: string, info: ArrayInfo | null, count: number): string[] | null {
  if (info === null) return null
  const { values, shape } = readArray(file, info.name)
  if (shape.length !== 1 || shape[0] !== count) {
    throw new DataError(`${file}: array ${info.name} is ${shape.join(' x ')}: expected ${count} entries.`)
  }
  return Array.from<string | number, string>(values, String)
}

function labelNames(file: string, given: readonly string[] | null, count: number): readonly string[] {
  const names = given ?? Array.from({ length: count }, (_, c) => `label ${c + 1}`)
  if (names.length !== count) {
    throw new DataError(`${file} has ${count} columns of scores: found ${names.length} label names.`)
  }
  return names
}
