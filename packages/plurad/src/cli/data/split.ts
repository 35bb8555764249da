import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { Dataset, Split } from '../../data/dataset.js'
import { writeFolds, writeLists, writeSplit } from '../../data/split-file.js'
import { readGivenSplit } from '../../data/split-given.js'
import { countParts, meanShareDeviation, type PartCount } from '../../data/split-summary.js'
import {
  assertPatientDisjoint,
  assignFolds,
  defaultFractions,
  sharedPatients,
  splitDataset,
  splits,
  type Fold,
  type SplitFractions,
} from '../../data/split.js'
import { UsageError } from '../../errors.js'
import { readRecipe, readRecipeText } from '../../recipe/read.js'
import { findRecipe } from '../recipes.js'
import { shellWord } from '../shell-word.js'
import { datasetOptions, openFromFlags, type DatasetFlags } from './dataset-flags.js'
import { splitReport } from './split-report.js'

interface Flags extends DatasetFlags {
  out?: string
  lists?: string
  folds?: string
  fractions?: string
  seed?: string
  splitFile?: string
  subset?: boolean
  ignoreGiven?: boolean
  allowLeakage?: boolean
  force?: boolean
  json?: boolean
}

/** What was decided: a split, or folds. */
interface Division {
  /** The name of each row's part: `train`, or a fold's number. */
  partOf: string[]
  parts: string[]
  /** One split a row; of folds only what is tested on by itself is apart. */
  assignment: Split[]
  folds: Fold[] | null
  /** Names in `--split-file` that the data set does not have. */
  unknown: number
  /** Splits of the data set itself that were kept. */
  kept: Split[]
}

export function register(data: Command): void {
  datasetOptions(
    data
      .command('split')
      .description('divide a data set by patient, each label spread evenly, and save the lists')
      .argument('<data>', 'a folder in a known layout, or a table'),
  )
    .option('--out <file>', 'write split.csv there: image, patient, split (or fold), labels')
    .option('--lists <folder>', 'write train.txt, val.txt and test.txt there')
    .option('--fractions <train,val,test>', 'shares of the three splits (default: 0.7,0.1,0.2)')
    .option('--folds <k>', 'folds for cross-validation instead of one split')
    .option('--seed <n>', 'another seed gives another split (default: 0)')
    .option(
      '--split-file <path>',
      'use this split: a split.csv, or a folder with train.txt, val.txt, test.txt',
    )
    .option('--ignore-given', 'make a new split although the data set gives one')
    .option('--subset', 'with --split-file: let pass names that the data set does not have')
    .option('--allow-leakage', 'let pass patients in more than one split')
    .option('--force', 'replace files that are there')
    .option('--json', 'print the counts as JSON')
    .addHelpText(
      'after',
      `
A split that the data set gives itself (NIH's test_list.txt, a split column) is kept; what it leaves open is carved
from its training rows. --split-file comes before it, --ignore-given forgets it. Without --out and --lists nothing is written.

Examples:
  plurad data split ChestX-ray14 --out split.csv
  plurad data split images.csv --fractions 0.8,0.1,0.1 --seed 3 --out split.csv --lists lists/
  plurad data split images.csv --folds 5 --out folds.csv
  plurad train chexnet --data images.csv --split-file folds.csv --fold 1 --out runs/fold1`,
    )
    .action(split)
}

async function split(location: string, flags: Flags): Promise<void> {
  const { fractions, seed, folds } = await choices(flags)
  refuseExisting(flags)
  const opened = await openFromFlags(location, flags)
  const dataset = flags.ignoreGiven ? withoutSplit(opened) : opened
  const division = await divide(dataset, flags, { fractions, seed, folds })
  const written = await write(dataset, division, flags)
  const counted = countParts(dataset, division.partOf, division.parts)
  if (flags.json) {
    const outcome = {
      ...outcomeOf(dataset, division, counted),
      ...(folds === null && { fractions }),
      seed,
      written,
    }
    process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`)
    return
  }
  const next = flags.out === undefined ? null : nextCommand(location, flags.out, folds)
  process.stdout.write(splitReport(dataset, division.parts, counted, { ...division, written, next }))
}

interface Choices {
  fractions: SplitFractions
  seed: number
  folds: number | null
}

async function choices(flags: Flags): Promise<Choices> {
  if (flags.folds !== undefined) {
    const other = (['fractions', 'splitFile', 'lists'] as const).find((flag) => flags[flag] !== undefined)
    if (other !== undefined) {
      const name = other === 'splitFile' ? '--split-file' : `--${other}`
      throw new UsageError(`data split: --folds and ${name} exclude each other`)
    }
  }
  const recipe = flags.recipe === undefined ? null : await splitOfRecipe(flags.recipe)
  const folds = flags.folds === undefined ? null : wholeNumber('--folds', flags.folds, 2)
  return {
    fractions: flags.fractions === undefined ? (recipe ?? defaultFractions) : parseFractions(flags.fractions),
    seed: flags.seed === undefined ? (recipe?.seed ?? 0) : wholeNumber('--seed', flags.seed, 0),
    folds,
  }
}

async function splitOfRecipe(name: string): Promise<SplitFractions & { seed: number }> {
  const file = await findRecipe(name)
  const { train, val, test, seed } = readRecipe(await readRecipeText(file), file).data.split
  return { train, val, test, seed }
}

function parseFractions(text: string): SplitFractions {
  const [train, val, test, ...more] = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)))
  const all = [train, val, test]
  const valid = more.length === 0 && all.every((value) => value >= 0 && value <= 1) && train > 0
  if (!valid || Math.abs(train + val + test - 1) > 1e-6) {
    throw new UsageError(
      `data split: --fractions ${text}: expected train,val,test from 0 to 1 that sum to 1, such as 0.7,0.1,0.2`,
    )
  }
  return { train, val, test }
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  throw new UsageError(`data split: ${flag} ${text}: expected a whole number from ${least} on`)
}

/** A saved split is what makes results comparable: it is not replaced by the way. */
function refuseExisting({ out, lists, force }: Flags): void {
  if (force) return
  const files = [...(out === undefined ? [] : [out]), ...(lists === undefined ? [] : listsIn(lists))]
  const there = files.find((file) => existsSync(file))
  if (there !== undefined)
    throw new UsageError(
      `data split: ${there} is there already. Choose another name, or pass --force to replace it.`,
    )
}

function listsIn(folder: string): string[] {
  return splits.map((name) => `${folder}/${name}.txt`)
}

async function divide(
  dataset: Dataset,
  flags: Flags,
  { fractions, seed, folds: count }: Choices,
): Promise<Division> {
  const folds = count === null ? null : assignFolds(dataset, { folds: count, seed })
  let unknown = 0
  let assignment: Split[]
  if (folds !== null) assignment = folds.map((fold) => (fold === null ? 'test' : 'train'))
  else if (flags.splitFile !== undefined) {
    const given = await readGivenSplit(flags.splitFile, dataset, {
      fractions,
      seed,
      subset: flags.subset ?? false,
    })
    assignment = given.assignment
    unknown = given.unknown
  } else assignment = splitDataset(dataset, { fractions, seed })
  assertPatientDisjoint(dataset.samples, assignment, flags.allowLeakage)
  const shared = sharedPatients(dataset.samples, assignment).size
  if (shared > 0) {
    process.stderr.write(
      `WARNING     ${shared} patients are in more than one split (--allow-leakage): results on it will be too good.\n`,
    )
  }
  const partOf = folds === null ? assignment : folds.map((fold) => (fold === null ? 'test' : String(fold)))
  const parts =
    count === null
      ? [...splits]
      : [
          ...Array.from({ length: count }, (_, fold) => String(fold + 1)),
          ...(folds?.includes(null) ? ['test'] : []),
        ]
  const given = flags.splitFile === undefined ? dataset.samples.map((sample) => sample.split) : []
  const complete = folds === null && splits.every((each) => given.includes(each))
  // What is carved or folded is not kept.
  const untouched = folds === null ? (['val', 'test'] as const) : (['test'] as const)
  const kept = complete ? [...splits] : untouched.filter((each) => given.includes(each))
  return { partOf, parts, assignment, folds, unknown, kept }
}

function withoutSplit(dataset: Dataset): Dataset {
  return { ...dataset, samples: dataset.samples.map((sample) => ({ ...sample, split: undefined })) }
}

async function write(dataset: Dataset, { assignment, folds }: Division, flags: Flags): Promise<string[]> {
  if (flags.out !== undefined) {
    if (folds === null) await writeSplit(flags.out, dataset, assignment)
    else await writeFolds(flags.out, dataset, folds)
  }
  if (flags.lists !== undefined) await writeLists(flags.lists, dataset, assignment)
  return [
    ...(flags.out === undefined ? [] : [flags.out]),
    ...(flags.lists === undefined ? [] : listsIn(flags.lists)),
  ]
}

function nextCommand(location: string, out: string, folds: number | null): string {
  const [data, file] = [shellWord(location), shellWord(out)]
  const fold = folds === null ? '' : ' --fold 1'
  return `plurad train RECIPE --data ${data} --split-file ${file}${fold} --out RUN`
}

function outcomeOf(
  dataset: Dataset,
  { parts, unknown, kept }: Division,
  counted: { parts: Record<string, PartCount>; whole: PartCount },
) {
  const named = (values: readonly number[]) =>
    Object.fromEntries(dataset.labels.map((label, i) => [label, values[i]]))
  const shown = ({ images, patients, positives, patientsWith }: PartCount) => ({
    images,
    patients,
    positives: named(positives),
    patients_with: named(patientsWith),
  })
  return {
    data: dataset.name,
    fingerprint: dataset.fingerprint,
    labels: dataset.labels,
    patients_known: dataset.samples.some(({ patient }) => patient !== null),
    whole: shown(counted.whole),
    parts: Object.fromEntries(parts.map((part) => [part, shown(counted.parts[part])])),
    mean_share_deviation: meanShareDeviation(
      parts.map((part) => counted.parts[part]),
      counted.whole,
    ),
    unknown_names: unknown,
    kept_splits: kept,
  }
}
