/** A training run from its options to its report: everything around the engine's thread. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { runOffThread } from '@plurad/torch/off-thread'
import { writeModelCard } from '../card/index.js'
import type { Dataset, Sample, Split } from '../data/dataset.js'
import { chooseLabelled, readLabelled, withoutLabels, writeLabelled } from '../data/labelled.js'
import type { PackSource } from '../data/pack/open.js'
import type { OpenOptions } from '../data/sets/adapter.js'
import { openDataset } from '../data/sets/open.js'
import { readSplit, writeSplit } from '../data/split-file.js'
import { readGivenSplit } from '../data/split-given.js'
import { assertPatientDisjoint, sharedPatients, splitDataset } from '../data/split.js'
import { DataError, RecipeError, RunError } from '../errors.js'
import { writeFileAtomic } from '../files.js'
import { withAbsolutePaths } from '../models/vectors/settings.js'
import { isWeightsPath } from '../models/weights/sources.js'
import { differences, formatRecipe, loadRecipe, parseRecipe } from '../recipe/recipe.js'
import type { Recipe } from '../recipe/schema.js'
import { writeReport } from '../report/index.js'
import {
  describeEnvironment,
  readEnvironment,
  writeEnvironment,
  type Environment,
} from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import type { TrainingJob, TrainingMessage, TrainingOutcome } from '../training/job.js'
import { didYouMean } from '../suggest.js'
import { writeNotes } from './notes.js'
import { findRecipe } from './recipes.js'
import { trainEnsemble } from './train-ensemble.js'
import { checkImages, choosePack } from './train-images.js'
import { openSources, withAbsoluteSources } from './train-sources.js'

export interface TrainOptions {
  /** File or name; may be left out when resuming. */
  recipe: string | undefined
  data: string | undefined
  out: string
  /** `key=value` changes of the recipe. */
  changes: readonly string[]
  resume: boolean
  strict: boolean
  allowLeakage: boolean
  /** The folder of a pack to read from, instead of the recipe's; false for none. */
  pack?: string | false | undefined
}

export interface TrainHooks {
  signal: AbortSignal
  onNote: (text: string) => void
  onMessage: (message: TrainingMessage) => void
}

export interface TrainSummary extends Omit<TrainingOutcome, 'unreadable' | 'warnings'> {
  folder: string
  report: string
  /** Images of the table that were not used. */
  skipped: number
  /** Images that were used, with something to know of them. */
  warnings: number
}

export async function train(options: TrainOptions, hooks: TrainHooks): Promise<TrainSummary> {
  const folder = new RunFolder(options.out)
  const earlier = options.resume && folder.begun ? readEnvironment(folder.environment) : null
  if (options.resume && folder.begun && earlier === null) {
    throw new RunError(
      `${folder.environment} is missing or damaged, so that nobody can tell which data this run was started on. ` +
        'Bring it back from a copy, or start a new run in another folder.',
    )
  }
  const recipe = withPack(await chooseRecipe(options, folder), options)
  if (!options.resume && folder.begun) {
    throw new RunError(
      `${folder.root} already holds a run. Go on with it by --resume (and no recipe), or choose another --out.`,
    )
  }
  if (recipe.ensemble !== null) return trainEnsemble(recipe, options, hooks, train)
  const allowLeakage = options.allowLeakage || (earlier?.allow_leakage ?? false)
  const given = options.data ?? earlier?.data
  if (given === undefined) {
    throw new RunError(`${folder.root} holds no run to resume. Start one with a recipe and --data.`)
  }
  // Kept absolute: a run may be resumed from another folder than it was started in.
  const location = resolve(given)
  const settings = recipe.data.set ?? undefined
  const dataset = await openDataset(location, {
    strict: options.strict,
    settings,
    ...(recipe.data.labels === null ? {} : { labels: recipe.data.labels }),
  })
  if (earlier && earlier.data_fingerprint !== dataset.fingerprint) {
    throw new DataError(
      `${location} is not what this run was started on: the table or the files found have changed since. ` +
        'Bring back the old data, or start a new run in another folder.',
    )
  }

  const labels = recipe.data.labels ?? []
  if (labels.some((_, label) => dataset.samples.every((sample) => sample.labels[label] !== 1)))
    await refuseUnknownLabels(labels, location, settings)

  checkImages(dataset, recipe)
  const pack = choosePack(recipe, location)
  // Before the folder is made: where the split is refused, nothing is left behind.
  const assignment = await fixSplit(dataset, recipe, folder, allowLeakage, hooks)
  const labelled = await fixLabelled(dataset, assignment, recipe, folder)
  const samples = labelled === null ? dataset.samples : withoutLabels(dataset.samples, labelled)
  const { sources, prints } = await openSources(recipe, options.strict, earlier?.sources ?? null)
  if (allowLeakage) {
    const shared = sharedPatients(dataset.samples, assignment).size
    if (shared > 0) {
      hooks.onNote(
        `WARNING     ${shared} patients are in more than one split (--allow-leakage): the figures will be too good.`,
      )
    }
  }
  await folder.create()
  const unlock = folder.lock()
  try {
    if (!options.resume && folder.begun)
      throw new RunError(`${folder.root} has just been taken by another run.`)
    if (!folder.begun) {
      await writeSplit(folder.split, { ...dataset, samples }, assignment)
      if (labelled !== null) await writeLabelled(folder.labelled, dataset, assignment, labelled)
    }
    describe(dataset, assignment, labelled, hooks)
    const environment: Environment = {
      ...describeEnvironment(),
      data: location,
      data_name: dataset.name,
      data_fingerprint: dataset.fingerprint,
      labels: dataset.labels,
      ...(Object.keys(prints).length === 0 ? {} : { sources: prints }),
      ...(allowLeakage ? { allow_leakage: true } : {}),
      ...(earlier
        ? {
            command_line: earlier.command_line,
            started: earlier.started,
            resumed: (earlier.resumed ?? 0) + 1,
            seconds: earlier.seconds ?? 0,
          }
        : {}),
    }
    await writeEnvironment(folder.environment, environment)
    // Last of the files that begin a run: with it there, all that a resume needs is there.
    if (!folder.begun) await writeFileAtomic(folder.recipe, formatRecipe(recipe))
    const outcome = await onEngine(
      {
        dataset: { ...dataset, samples },
        sources,
        assignment,
        recipe,
        pack,
        folder,
        options,
        environment,
        earlier,
      },
      hooks,
    )
    const skipped = [...dataset.skipped, ...outcome.unreadable]
    await writeNotes(folder.skipped, 'reason', skipped)
    await writeNotes(folder.warnings, 'warning', outcome.warnings)
    const report = outcome.finished ? await writeReport(folder.root) : folder.report
    if (outcome.finished) await writeModelCard(folder.root)
    return {
      finished: outcome.finished,
      epochs: outcome.epochs,
      bestEpoch: outcome.bestEpoch,
      folder: folder.root,
      report,
      skipped: skipped.length,
      warnings: outcome.warnings.length,
    }
  } finally {
    unlock()
  }
}

/**
 * Some layouts (NIH's) take any name as a label, which then no image has: a misspelt one would be learned as never
 * there. A label that the data set knows and none of these images has may stay.
 */
async function refuseUnknownLabels(
  labels: readonly string[],
  location: string,
  settings: OpenOptions['settings'],
): Promise<void> {
  const dataset = await openDataset(location, { settings }).catch(() => null)
  if (dataset === null) return
  const { labels: known } = dataset
  const unknown = labels.find((label) => !known.includes(label))
  if (unknown !== undefined) {
    throw new RecipeError(
      `data.labels: no image of ${location} has '${unknown}'.${didYouMean(unknown, known)} ` +
        `The data set's labels are ${known.join(', ')}.`,
    )
  }
}

/** The recipe asked for; when resuming, the one of the run, which the one asked for may not contradict. */
async function chooseRecipe(options: TrainOptions, folder: RunFolder): Promise<Recipe> {
  const own =
    options.resume && folder.begun ? parseRecipe(await readFile(folder.recipe, 'utf8'), folder.recipe) : null
  if (options.recipe === undefined) {
    if (!own) throw new RunError(`${folder.root} holds no run to resume. Start one with a recipe and --data.`)
    if (options.changes.length > 0)
      throw new RecipeError('--set cannot change a run that is resumed, nor can --split-file and --fold.')
    return own
  }
  const asked = await readRecipe(options.recipe, options.changes)
  // The same pixels come from a pack, from another one, and from the files.
  const changed = own ? differences(own, asked).filter((key) => key !== 'data.pack') : []
  if (changed.length > 0) {
    throw new RecipeError(
      `The run in ${folder.root} was started with other values of ${changed.join(', ')}. ` +
        'Resume it without a recipe and --set, or start a new run.',
    )
  }
  return own ?? asked
}

/** The pack of the command line stands in the run's recipe, so that a resume takes it too. */
function withPack(recipe: Recipe, { pack }: TrainOptions): Recipe {
  if (pack === undefined) return recipe
  return { ...recipe, data: { ...recipe.data, pack: pack === false ? null : resolve(pack) } }
}

async function readRecipe(nameOrFile: string, changes: readonly string[]): Promise<Recipe> {
  const recipe = await loadRecipe(await findRecipe(nameOrFile), changes)
  const { weights, label_vectors: vectors } = recipe.model
  const { split, pack } = recipe.data
  // Kept absolute, as the data is.
  const absolute = (path: string | null): string | null => (path === null ? null : resolve(path))
  return {
    ...withAbsoluteSources(recipe),
    data: { ...recipe.data, split: { ...split, file: absolute(split.file) }, pack: absolute(pack) },
    model: {
      ...recipe.model,
      weights: weights !== null && isWeightsPath(weights) ? resolve(weights) : weights,
      label_vectors: withAbsolutePaths(vectors),
    },
  }
}

/** The split of the run: read back when resuming, else the one given, else made. */
async function fixSplit(
  dataset: Dataset,
  recipe: Recipe,
  folder: RunFolder,
  allowLeakage: boolean,
  { onNote }: TrainHooks,
): Promise<Split[]> {
  const { seed, file, fold, ...fractions } = recipe.data.split
  let assignment: Split[]
  if (folder.begun) assignment = await readSplit(folder.split, dataset)
  else if (file === null) assignment = splitDataset(dataset, { fractions, seed })
  else {
    const given = await readGivenSplit(file, dataset, { fold, fractions, seed, subset: true })
    assignment = given.assignment
    const unknown = given.unknown === 0 ? '' : `; ${given.unknown} names in it are not in the data set`
    onNote(`Split from  ${file}${fold === null ? '' : `, fold ${fold}`}${unknown}`)
  }
  assertPatientDisjoint(dataset.samples, assignment, allowLeakage)
  for (const split of ['train', 'val', 'test'] as const) {
    if (!assignment.includes(split)) {
      throw new DataError(
        `The ${split} split is empty: ${dataset.samples.length} images of ${countPatients(dataset.samples)} patients ` +
          `are too few for data.split, or ${file ?? 'the table'} assigns none to it.`,
      )
    }
  }
  return assignment
}

/** Which samples keep their labels: read back when resuming, else chosen; null for all. */
async function fixLabelled(
  dataset: Dataset,
  assignment: readonly Split[],
  { data: { labelled: count, split } }: Recipe,
  folder: RunFolder,
): Promise<boolean[] | null> {
  if (count === null) return null
  if (folder.begun) return readLabelled(folder.labelled, dataset, assignment)
  return chooseLabelled(dataset, assignment, { count, seed: split.seed })
}

function pick({
  engine,
  device,
  precision,
  threads,
}: Extract<TrainingMessage, { kind: 'started' }>): Partial<Environment> {
  return { engine, device, precision, threads }
}

/** Says so when a resumed run goes on under conditions that change its numbers. */
function noteChanges(now: Partial<Environment>, before: Environment | null, { onNote }: TrainHooks): void {
  for (const key of ['engine', 'device', 'precision', 'threads'] as const) {
    if (before?.[key] !== undefined && before[key] !== now[key]) {
      onNote(
        `Note        ${key} was ${before[key]} before, is ${now[key]} now: the numbers will differ a little from one uninterrupted run.`,
      )
    }
  }
}

function countPatients(samples: readonly Sample[]): number {
  return new Set(samples.map((sample) => sample.patient ?? sample.image)).size
}

function describe(
  dataset: Dataset,
  assignment: readonly Split[],
  labelled: readonly boolean[] | null,
  { onNote }: TrainHooks,
): void {
  const known = dataset.samples.some((sample) => sample.patient !== null)
  const part = (split: Split): string => {
    const samples = dataset.samples.filter((_, i) => assignment[i] === split)
    return known ? `${split} ${samples.length} (${countPatients(samples)})` : `${split} ${samples.length}`
  }
  const patients = known ? `${countPatients(dataset.samples)} patients` : 'patients unknown (no such column)'
  onNote(
    `Data        ${dataset.name}: ${dataset.samples.length} images, ${patients}, ${dataset.labels.length} labels`,
  )
  onNote(
    `Split       ${(['train', 'val', 'test'] as const).map(part).join(', ')} images${known ? ' (patients)' : ''}`,
  )
  if (labelled !== null) {
    const kept = dataset.samples.filter((_, i) => labelled[i] && assignment[i] === 'train')
    onNote(
      `Labelled    ${kept.length} of the training images${known ? ` (${countPatients(kept)} patients)` : ''} keep their labels`,
    )
  }
  for (const note of dataset.notes ?? []) onNote(`Note        ${note}`)
  if (dataset.skipped.length > 0) {
    onNote(
      `Skipped     ${dataset.skipped.length} rows of the table, the first: ${dataset.skipped[0]?.reason}`,
    )
  }
}

interface Prepared {
  dataset: Dataset
  sources: TrainingJob['sources']
  assignment: readonly Split[]
  recipe: Recipe
  pack: PackSource | null
  folder: RunFolder
  options: TrainOptions
  environment: Environment
  /** Of the sessions before, when resuming. */
  earlier: Environment | null
}

async function onEngine(
  { dataset, sources, assignment, recipe, pack, folder, options, environment, earlier }: Prepared,
  hooks: TrainHooks,
): Promise<TrainingOutcome> {
  const started = performance.now()
  const delays = monitorEventLoopDelay({ resolution: 5 })
  let engine: Partial<Environment> = {}
  let written = Promise.resolve()
  const job: TrainingJob = {
    folder: folder.root,
    recipe,
    labels: dataset.labels,
    samples: dataset.samples,
    assignment,
    dataset: { name: dataset.name, fingerprint: dataset.fingerprint },
    sources,
    pack,
    strict: options.strict,
  }
  delays.enable()
  const outcome = await runOffThread<TrainingJob, TrainingMessage, TrainingOutcome>(
    new URL('../training/engine.js', import.meta.url),
    job,
    {
      signal: hooks.signal,
      onMessage: (message) => {
        if (message.kind === 'started') {
          engine = pick(message)
          noteChanges(engine, earlier, hooks)
          // At once, so that a resume after a kill can compare. A failure shows again at the end.
          written = writeEnvironment(folder.environment, { ...environment, ...engine }).catch(() => undefined)
          // What came before, sending the job over included, was not the loop's work during training.
          delays.reset()
        }
        hooks.onMessage(message)
      },
    },
  )
  delays.disable()
  await written
  await writeEnvironment(folder.environment, {
    ...environment,
    ...engine,
    ...(outcome.finished ? { finished: new Date().toISOString() } : {}),
    seconds: (environment.seconds ?? 0) + Math.round((performance.now() - started) / 100) / 10,
    event_loop_max_gap_ms: Math.round(delays.max / 1e5) / 10,
  })
  return outcome
}
