import { DataError, RecipeError } from '../errors.js'
import type { Dataset, Sample, Split } from './dataset.js'
import { Random } from './random.js'
import { groupByPatient, stratify, type Group } from './stratify.js'

export const splits: readonly Split[] = ['train', 'val', 'test']

export type SplitFractions = Readonly<Record<Split, number>>

/** The number of a fold, from 1 on; null for a row that the data set itself tests on. */
export type Fold = number | null

export const defaultFractions: SplitFractions = { train: 0.7, val: 0.1, test: 0.2 }

/** Where a label that few patients have is wanted first: nothing is learned without `train`, nor known without `test`. */
const NEED: readonly Split[] = ['train', 'test', 'val']

/**
 * Divides a data set, never a patient, with each label spread by the same fractions, the rarest first: iterative
 * stratification (Sechidis et al., On the Stratification of Multi-Label Data, ECML 2011) over patients.
 *
 * Splits that the data set gives are kept as they are. Those it does not give are carved from its `train` by patient:
 * an official train/test split gets a `val` of `val / (train + val)` of the training rows. Rows without a patient
 * each count as one of their own. Unless given splits prevent it, every label is present in `train`, that of two
 * patients in `train` and `test`, and that of three or more in all splits as far as the patients allow.
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
    const shares = open.map((split) => fractions[split])
    const wanted = NEED.filter((split) => open.includes(split)).map((split) => open.indexOf(split))
    const needs = (patients: number) => wanted.slice(0, patients)
    const parts = stratify(groups, labels.length, shares, new Random(seed), needs)
    groups.forEach((group, index) => group.rows.forEach((row) => (result[row] = open[parts[index]])))
  }
  return result
}

/**
 * Divides a data set into folds for cross-validation, never a patient, each label spread evenly as by
 * `splitDataset`. What the data set itself gives to `test` stays out of the folds; its `train` and `val` are folded
 * together. A label that at least `folds` patients have is in every fold, as far as the patients allow.
 *
 * @param folds how many, at least 2
 * @returns one fold a sample, from 1 on; null for the rows of a given `test`
 * @throws RecipeError where there are fewer patients than folds
 */
export function assignFolds(
  dataset: Pick<Dataset, 'labels' | 'samples'>,
  { folds, seed = 0 }: { folds: number; seed?: number },
): Fold[] {
  const { samples, labels } = dataset
  const result = samples.map((): Fold => null)
  const groups = groupByPatient(samples).flatMap((group) => {
    // Rows without a split follow their patient into a given test.
    const otherwise = group.rows.some((row) => samples[row]?.split === 'test') ? 'test' : 'train'
    const rows = group.rows.filter((row) => (samples[row]?.split ?? otherwise) !== 'test')
    return rows.length === 0 ? [] : [{ ...group, rows }]
  })
  if (!Number.isInteger(folds) || folds < 2 || groups.length < folds) {
    throw new RecipeError(
      `${folds} folds of ${groups.length} patients: expected a whole number of at least 2 folds, and at least a patient for each.`,
    )
  }
  const all = Array.from({ length: folds }, (_, fold) => fold)
  const needs = (patients: number) => (patients >= folds ? all : [])
  const shares = all.map(() => 1)
  const parts = stratify(groups, labels.length, shares, new Random(seed), needs)
  groups.forEach((group, index) => group.rows.forEach((row) => (result[row] = parts[index] + 1)))
  return result
}

/**
 * The split of one turn of cross-validation. Where the data set gives a `test`, that stays the test split and `fold`
 * is `val`; else `fold` is `test` and the one after it `val`, so that over all turns each image is tested once.
 *
 * @param folds one a sample, as `assignFolds` gives them
 * @param fold from 1 on
 * @throws RecipeError where there is no such fold, or where two folds leave nothing for one of the splits
 */
export function splitOfFold(folds: readonly Fold[], fold: number): Split[] {
  const count = folds.reduce<number>((most, each) => Math.max(most, each ?? 0), 0)
  if (!Number.isInteger(fold) || fold < 1 || fold > count)
    throw new RecipeError(`Fold ${fold}: expected a whole number from 1 to ${count}.`)
  if (folds.includes(null)) {
    return folds.map((each) => (each === null ? 'test' : each === fold ? 'val' : 'train'))
  }
  if (count < 3) {
    throw new RecipeError(
      `${count} folds: expected 3 or more where the data set gives no test split, as each turn takes one fold to test and one to validate.`,
    )
  }
  const val = (fold % count) + 1
  return folds.map((each) => (each === fold ? 'test' : each === val ? 'val' : 'train'))
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
      `${first.join(', ')}: results would be too good to be true. Split by patient: correct the split column, or leave ` +
      'the split to plurad (where folders or lists give it, with data.set.split=none). Or pass --allow-leakage to go on ' +
      'all the same.',
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

/** The split that the data set itself gives a patient and that is not carved further; null where there is none. */
function fixedSplit(group: Group, samples: readonly Sample[], open: readonly Split[]): Split | null {
  const carved = open.length > 1 ? 'train' : undefined
  const row = group.rows.find((at) => samples[at]?.split !== undefined && samples[at]?.split !== carved)
  return row === undefined ? null : (samples[row]?.split ?? null)
}
