/** Learning from few labels: the training images of some patients keep theirs, those of all others are set aside. */
import { csvFormatRows } from 'd3-dsv'
import { DataError, RecipeError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import type { Dataset, Sample, Split } from './dataset.js'
import { Random } from './random.js'
import { columnIndex, readTable } from './sets/table.js'
import { groupByPatient, stratify, type Group } from './stratify.js'

/** Sets the random numbers of the choice apart from those of the split with the same seed. */
const LABELLED = 0x6c6162

type LabelledRows = Pick<Dataset, 'labels' | 'samples'>

/**
 * Chooses the training images that keep their labels: whole patients, every label by the same share, the rarest first, as
 * `splitDataset` divides. Patients come whole, so there can be some more or fewer than were asked for; a label that the
 * training split has stays among them wherever `count` leaves room.
 *
 * @param count images wanted, at least 1
 * @returns one value a sample: whether its labels are kept; true for everything outside the training split
 * @throws RecipeError where no more than `count` training images have any label that is known
 */
export function chooseLabelled(
  { labels, samples }: LabelledRows,
  assignment: readonly Split[],
  { count, seed }: { count: number; seed: number },
): boolean[] {
  const kept = assignment.map((split) => split !== 'train')
  const rows = [...samples.keys()].filter((row) => !kept[row] && samples[row].labels.some((v) => v !== null))
  if (rows.length <= count) {
    throw new RecipeError(
      `data.labelled is ${count}, but only ${rows.length} training images have labels. Leave it out (null) to use them all, or ` +
        'ask for fewer.',
    )
  }
  const groups = groupByPatient(rows.map((row) => samples[row]))
  const shares = [count, rows.length - count]
  const part = stratify(groups, labels.length, shares, new Random(LABELLED, seed), () => [0])
  const chosen = trimmed(
    groups.filter((_, at) => part[at] === 0),
    count,
  )
  // Where each patient alone has more images than were asked for.
  if (chosen.length === 0) chosen.push(groups.reduce((a, b) => (b.rows.length < a.rows.length ? b : a)))
  for (const group of chosen) for (const at of group.rows) kept[rows[at]] = true
  return kept
}

/** Without the patients that are too many, the largest that fit first, as long as no label goes with them. */
function trimmed(groups: readonly Group[], count: number): Group[] {
  const left = [...groups]
  const holders = new Map<number, number>()
  for (const { positives } of groups)
    for (const label of positives.keys()) holders.set(label, (holders.get(label) ?? 0) + 1)
  let surplus = groups.reduce((sum, { rows }) => sum + rows.length, 0) - count
  for (const group of groups.toSorted((a, b) => b.rows.length - a.rows.length)) {
    const { rows, positives } = group
    if (rows.length > surplus || [...positives.keys()].some((label) => holders.get(label) === 1)) continue
    left.splice(left.indexOf(group), 1)
    surplus -= rows.length
    for (const label of positives.keys()) holders.set(label, (holders.get(label) ?? 0) - 1)
  }
  return left
}

/** Samples whose labels are unknown where they are not kept. */
export function withoutLabels(samples: readonly Sample[], kept: readonly boolean[]): Sample[] {
  return samples.map((sample, row) =>
    kept[row] ? sample : { ...sample, labels: sample.labels.map(() => null) },
  )
}

/**
 * Writes the training images that keep their labels, `image,patient`, so that a run can be resumed and repeated.
 *
 * @throws RunError where the file cannot be written
 */
export async function writeLabelled(
  path: string,
  { samples }: Pick<Dataset, 'samples'>,
  assignment: readonly Split[],
  kept: readonly boolean[],
): Promise<void> {
  const rows = samples.flatMap(({ image, patient }, row) =>
    kept[row] && assignment[row] === 'train' ? [[image, patient ?? '']] : [],
  )
  await writeFileAtomic(path, `${csvFormatRows([['image', 'patient'], ...rows])}\n`)
}

/**
 * Reads what `writeLabelled` wrote.
 *
 * @returns one value a sample: whether its labels are kept
 * @throws DataError where the file cannot be read or names an image that is not in the training split
 */
export async function readLabelled(
  path: string,
  { samples }: Pick<Dataset, 'samples'>,
  assignment: readonly Split[],
): Promise<boolean[]> {
  const table = await readTable(path)
  const column = columnIndex(table, 'image')
  const named = new Set(table.rows.map((row) => row[column]))
  const kept = samples.map(({ image }, row) => assignment[row] !== 'train' || named.delete(image))
  if (named.size > 0) {
    throw new DataError(
      `${path}: ${named.size} of its images are not in the training split, such as "${[...named][0]}". Was it written for ` +
        'another data set? Bring back the old one, or start a new run in another folder.',
    )
  }
  return kept
}
