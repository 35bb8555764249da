import { DataError, RecipeError } from '../errors.js'
import type { Dataset, Sample, Split } from './dataset.js'
import { Random, shuffled } from './random.js'

export const splits: readonly Split[] = ['train', 'val', 'test']

export type SplitFractions = Readonly<Record<Split, number>>

export const defaultFractions: SplitFractions = { train: 0.7, val: 0.1, test: 0.2 }

/** The images of one patient, which stay together. */
interface Group {
  rows: number[]
  /** Indices of the labels that are present in some row, each with the number of rows. */
  positives: Map<number, number>
}

/** What is still to be filled of one split. */
interface Bin {
  split: Split
  rows: number
  /** By label. */
  positives: number[]
}

/** One for each of train, val and test. */
const PATIENTS_TO_SPREAD = 3

/**
 * Divides a data set, never a patient, with each label spread by the same fractions, the rarest first: iterative
 * stratification (Sechidis et al., On the Stratification of Multi-Label Data, ECML 2011) over patients.
 *
 * Splits that the data set gives are kept as they are. Those it does not give are carved from its `train` by patient:
 * an official train/test split gets a `val` of `val / (train + val)` of the training rows. Rows without a patient
 * each count as one of their own. A label that three or more patients have is always present in `train`, unless the
 * given splits prevent it.
 *
 * @param options `fractions` sum to 1; the same `seed` gives the same split
 * @returns one split a sample, in the order of `dataset.samples`
 * @throws RecipeError for fractions that are negative or do not sum to 1
 */
export function splitDataset(
  dataset: Pick<Dataset, 'labels' | 'samples'>,
  options: { fractions?: SplitFractions; seed?: number } = {},
): Split[] {
  const { fractions = defaultFractions, seed = 0 } = options
  checkFractions(fractions)
  const { samples, labels } = dataset
  const given = new Set(samples.map((sample) => sample.split).filter((split) => split !== undefined))
  const open = splits
    .filter((split) => split === 'train' || !given.has(split))
    .filter((split) => fractions[split] > 0)
  const result = samples.map((sample): Split => sample.split ?? 'train')
  const groups = groupByPatient(samples).filter((group) => {
    const fixed = fixedSplit(group, samples, open)
    if (fixed !== null) for (const row of group.rows) result[row] = samples[row]?.split ?? fixed
    return fixed === null
  })
  if (open.length > 1) {
    const bins = stratify(groups, labels.length, open, fractions, new Random(seed))
    groups.forEach((group, index) => group.rows.forEach((row) => (result[row] = bins[index])))
  }
  return result
}

/**
 * Refuses a split in which a patient stands on two sides: a model would be tested on patients that it has seen.
 *
 * @param assignment one split a sample
 * @param allowLeakage lets it pass; the caller has to say so loudly
 * @throws DataError with the number of such patients and the first of them
 */
export function assertPatientDisjoint(
  samples: readonly Sample[],
  assignment: readonly Split[],
  allowLeakage = false,
): void {
  if (allowLeakage) return
  const shared = sharedPatients(samples, assignment)
  if (shared.size === 0) return
  const first = [...shared].slice(0, 3).map(([patient, where]) => `${patient} (${where.join(' and ')})`)
  throw new DataError(
    `${shared.size} ${shared.size === 1 ? 'patient has' : 'patients have'} images in more than one split, such as ` +
      `${first.join(', ')}: results would be too good to be true. Split by patient (leave the split to plurad, or correct ` +
      'the split column), or pass --allow-leakage to go on all the same.',
  )
}

/** Patients that have images in several splits, with those splits. */
export function sharedPatients(
  samples: readonly Sample[],
  assignment: readonly Split[],
): Map<string, Split[]> {
  const found = new Map<string, Set<Split>>()
  samples.forEach(({ patient }, row) => {
    if (patient === null) return
    const where = found.get(patient)
    if (where === undefined) found.set(patient, new Set([assignment[row]]))
    else where.add(assignment[row])
  })
  const shared = new Map<string, Split[]>()
  for (const [patient, where] of found) {
    if (where.size > 1)
      shared.set(
        patient,
        splits.filter((split) => where.has(split)),
      )
  }
  return shared
}

function checkFractions(fractions: SplitFractions): void {
  const values = splits.map((split) => fractions[split])
  const total = values.reduce((sum, value) => sum + value, 0)
  if (values.every((value) => value >= 0 && value <= 1) && Math.abs(total - 1) < 1e-6 && fractions.train > 0)
    return
  const found = splits.map((split) => `${split} ${fractions[split]}`).join(', ')
  throw new RecipeError(
    `Split fractions ${found}: expected numbers from 0 to 1 that sum to 1, and train above 0.`,
  )
}

function groupByPatient(samples: readonly Sample[]): Group[] {
  const groups: Group[] = []
  const byPatient = new Map<string, Group>()
  samples.forEach(({ patient, labels }, row) => {
    let group = patient === null ? undefined : byPatient.get(patient)
    if (group === undefined) {
      group = { rows: [], positives: new Map() }
      groups.push(group)
      if (patient !== null) byPatient.set(patient, group)
    }
    group.rows.push(row)
    for (let label = 0; label < labels.length; label++) {
      if (labels[label] === 1) group.positives.set(label, (group.positives.get(label) ?? 0) + 1)
    }
  })
  return groups
}

/** The split that the data set itself gives a patient and that is not carved further; null where there is none. */
function fixedSplit(group: Group, samples: readonly Sample[], open: readonly Split[]): Split | null {
  const carved = open.length > 1 ? 'train' : undefined
  const row = group.rows.find((at) => samples[at]?.split !== undefined && samples[at]?.split !== carved)
  return row === undefined ? null : (samples[row]?.split ?? null)
}

/** One split a group. */
function stratify(
  groups: readonly Group[],
  labelCount: number,
  open: readonly Split[],
  fractions: SplitFractions,
  random: Random,
): Split[] {
  const order = shuffled([...groups.keys()], random)
  // Large patients first, while there is still room to make up for them.
  order.sort((a, b) => groups[b].rows.length - groups[a].rows.length)
  const holders: number[][] = Array.from({ length: labelCount }, () => [])
  for (const group of order) for (const label of groups[group].positives.keys()) holders[label]?.push(group)
  const bins = emptyBins(groups, labelCount, open, fractions)
  const result = new Map<number, Bin>()
  const place = (group: number, bin: Bin) => {
    const { rows, positives } = groups[group]
    result.set(group, bin)
    bin.rows -= rows.length
    for (const [label, count] of positives) bin.positives[label] -= count
  }
  const left = holders.map((of) => of.length)
  const waiting = new Set(holders.keys())
  while (waiting.size > 0) {
    const rarest = [...waiting].reduce((a, b) => (left[b] < left[a] ? b : a))
    waiting.delete(rarest)
    for (const group of holders[rarest]) {
      if (result.has(group)) continue
      place(group, neediest(bins, random, rarest))
      for (const label of groups[group].positives.keys()) left[label]--
    }
  }
  for (const group of order) if (!result.has(group)) place(group, neediest(bins, random))
  const assigned = groups.map((_, group) => (result.get(group) as Bin).split)
  spreadRare(groups, holders, assigned, open)
  return assigned
}

function emptyBins(
  groups: readonly Group[],
  labelCount: number,
  open: readonly Split[],
  fractions: SplitFractions,
): Bin[] {
  const total = open.reduce((sum, split) => sum + fractions[split], 0)
  const rows = groups.reduce((sum, group) => sum + group.rows.length, 0)
  const positives = new Array<number>(labelCount).fill(0)
  for (const group of groups) for (const [label, count] of group.positives) positives[label] += count
  return open.map((split) => {
    const fraction = fractions[split] / total
    return { split, rows: rows * fraction, positives: positives.map((count) => count * fraction) }
  })
}

/** Of the splits that are not full, the one that lacks most of a label, then most rows, then by lot. */
function neediest(bins: readonly Bin[], random: Random, label?: number): Bin {
  const withRoom = bins.filter((bin) => bin.rows > 0)
  const wanted = (bin: Bin) => (label === undefined ? 0 : bin.positives[label])
  const ranked = (withRoom.length > 0 ? withRoom : [...bins]).map((bin) => ({ bin, lot: random.next() }))
  ranked.sort((a, b) => wanted(b.bin) - wanted(a.bin) || b.bin.rows - a.bin.rows || a.lot - b.lot)
  return (ranked[0] as { bin: Bin }).bin
}

/**
 * Where a label of three or more patients is missing from a split, its smallest patient that can be spared moves
 * there: rarer labels of the same patients may have drawn all of them elsewhere, and a split without a label has no
 * AUC for it. `train` comes first, and what it needs it gets.
 */
function spreadRare(
  groups: readonly Group[],
  holders: readonly number[][],
  assigned: Split[],
  open: readonly Split[],
): void {
  const size = (group: number) => groups[group].rows.length
  const spared = (group: number) =>
    [...groups[group].positives.keys()].every((label) =>
      holders[label]?.some((other) => other !== group && assigned[other] === assigned[group]),
    )
  for (const split of open) {
    for (const having of holders) {
      if (having.length < PATIENTS_TO_SPREAD || having.some((group) => assigned[group] === split)) continue
      const movable = split === 'train' ? having : having.filter(spared)
      if (movable.length > 0) assigned[movable.reduce((a, b) => (size(b) < size(a) ? b : a))] = split
    }
  }
}
