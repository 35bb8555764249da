import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { csvParseRows } from 'd3-dsv'
import { z } from 'zod'
import { RunError } from '../errors.js'
import { readPredictions, type Predictions } from '../metrics/predictions.js'
import { formatPlural } from './format.js'
import { keptEpoch, parseHistory, type Epoch, type HistoryStage, type Monitor } from './history.js'
import { parseMetrics, type MetricsFile } from './metrics-file.js'
import { recipeFacts, type RecipeFacts } from './recipe-facts.js'
import { robustnessSchema, type StoredRobustness } from './robustness-file.js'
import { subgroupsSchema, type StoredSubgroups } from './subgroups-file.js'
import { summariseSplits, type SplitSummary } from './split-table.js'

/** A stage of training with the epoch that it kept. */
export interface TrainingStage extends HistoryStage {
  kept: Epoch | null
  monitor: Monitor
}

/** L2 norms of the classifier's row of each label, before and after it was trained on its own. */
export interface ClassifierNorms {
  labels: string[]
  before: number[]
  after: number[]
  /** Positive training images. */
  frequency: number[]
}

/** How predictions of several models were put together. */
export interface Ensemble {
  method: string
  /** Run folders or files. */
  members: string[]
  labels: string[]
  /** [C] of [M] how much each member counts for a label; null where all count the same. */
  weights: number[][] | null
}

/** All that a report is made of; a part is null when its file is missing or cannot be read. */
export interface RunContents {
  /** A run that trained; an ensemble; or an evaluation, which has predictions and metrics only. */
  kind: 'run' | 'ensemble' | 'evaluation'
  /** The folder's own name, or the evaluation's. */
  name: string
  /** Absolute; null for what is not read from a folder. */
  folder: string | null
  metrics: Pick<MetricsFile, 'test' | 'val' | 'given'>
  /** In their order; one without a name for runs of one. */
  stages: TrainingStage[]
  predictions: { test: Predictions | null; val: Predictions | null; given: Predictions | null }
  splits: SplitSummary | null
  /** [C] positive training images, where they are known without a split. */
  trainingCounts: readonly number[] | null
  /** SHA-256 of `split.csv`. */
  splitFingerprint: string | null
  /** The recipe's text, as it was run. */
  recipe: string | null
  recipeFacts: RecipeFacts
  environment: Record<string, unknown> | null
  /** Images that could not be read; null when the run wrote no list of them. */
  skipped: number | null
  norms: ClassifierNorms | null
  ensemble: Ensemble | null
  subgroups: StoredSubgroups | null
  robustness: StoredRobustness | null
  /** Files that are not there. */
  missing: string[]
  /** What was wrong with files that are there, in words. */
  problems: string[]
}

/** A report of nothing yet, for what is not read from a run folder. */
export function emptyContents(name: string): RunContents {
  return {
    kind: 'evaluation',
    name,
    folder: null,
    metrics: { test: null, val: null, given: null },
    stages: [],
    predictions: { test: null, val: null, given: null },
    splits: null,
    trainingCounts: null,
    splitFingerprint: null,
    recipe: null,
    recipeFacts: recipeFacts(null),
    environment: null,
    skipped: null,
    norms: null,
    ensemble: null,
    subgroups: null,
    robustness: null,
    missing: [],
    problems: [],
  }
}

/**
 * Reads what a run folder holds, finished or not, or the folder of an ensemble or an evaluation.
 *
 * @throws RunError when the folder does not exist.
 */
export async function loadRun(runFolder: string): Promise<RunContents> {
  const folder = resolve(runFolder)
  const found = await stat(folder).catch(() => null)
  if (!found?.isDirectory()) {
    throw new RunError(
      `${runFolder} is not a folder: expected the folder of a run, as 'plurad train --out' makes it.`,
    )
  }
  const missing: string[] = []
  const problems: string[] = []

  /** The file's content as `parse` makes it; a missing or damaged file is noted and gives null. */
  async function part<T>(
    file: string,
    parse: (text: string) => T | Promise<T>,
    isExpected = true,
  ): Promise<T | null> {
    let text: string
    try {
      text = await readFile(join(folder, file), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        if (isExpected) missing.push(file)
      } else
        problems.push(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}).`)
      return null
    }
    try {
      return await parse(text)
    } catch (error) {
      problems.push(`${file} is damaged: ${describe(error, folder)}`)
      return null
    }
  }
  const json = <T>(file: string, schema: z.ZodType<T>): Promise<T | null> =>
    part(file, (text) => schema.parse(JSON.parse(text)), false)
  const predictionsOf = (file: string, isExpected = true): Promise<Predictions | null> =>
    part(file, () => readPredictions(join(folder, file)), isExpected)

  const given = await predictionsOf('predictions.csv', false)
  const ensemble = await json('ensemble.json', ensembleSchema)
  const isRun = ensemble === null && given === null
  const metrics = await part('metrics.json', (text) => parseMetrics(JSON.parse(text)))
  const history = await part('history.jsonl', parseHistory, isRun)
  if (history && history.damaged > 0) {
    problems.push(
      `history.jsonl: ${formatPlural(history.damaged, 'line')} cannot be read and ${history.damaged === 1 ? 'is' : 'are'} left out.`,
    )
  }
  const recipe = await part('recipe.yaml', (text) => text, isRun)
  const facts = recipeFacts(recipe)
  const finished = await json('stages.json', stagesSchema)
  const val = await predictionsOf('predictions/val.csv', isRun)
  const test = await predictionsOf('predictions/test.csv', given === null)
  const splitText = await part('split.csv', (text) => text, isRun)
  return {
    kind: ensemble !== null ? 'ensemble' : isRun ? 'run' : 'evaluation',
    name: basename(folder),
    folder,
    metrics: { test: metrics?.test ?? null, val: metrics?.val ?? null, given: metrics?.given ?? null },
    stages: stagesOf(history?.stages ?? [], facts, finished, metrics?.bestEpoch),
    predictions: { val, test, given },
    splits: splitText === null ? null : await part('split.csv', (text) => summariseSplits('split.csv', text)),
    trainingCounts: null,
    splitFingerprint: splitText === null ? null : createHash('sha256').update(splitText).digest('hex'),
    recipe,
    recipeFacts: facts,
    environment: await part(
      'environment.json',
      (text) => z.record(z.string(), z.unknown()).parse(JSON.parse(text)),
      isRun,
    ),
    // Only counted: the rows name images.
    skipped: await part('skipped.csv', (text) => Math.max(0, csvParseRows(text).length - 1), isRun),
    norms: await json('classifier-norms.json', normsSchema),
    ensemble,
    subgroups: await json('subgroups.json', subgroupsSchema),
    robustness: await json('robustness.json', robustnessSchema),
    missing,
    problems,
  }
}

function stagesOf(
  stages: readonly HistoryStage[],
  facts: RecipeFacts,
  finished: z.infer<typeof stagesSchema> | null,
  bestEpoch: number | null | undefined,
): TrainingStage[] {
  return stages.map((stage, index) => {
    const monitor = facts.monitorOf(index)
    const recorded =
      stage.name === null ? bestEpoch : finished?.find(({ name }) => name === stage.name)?.best_epoch
    return { ...stage, monitor, kept: keptEpoch(stage.epochs, monitor, recorded) }
  })
}

const stagesSchema = z.array(z.looseObject({ name: z.string(), best_epoch: z.number().nullish() }))

const normsSchema = z
  .object({
    labels: z.array(z.string()),
    before: z.array(z.number()),
    after: z.array(z.number()),
    frequency: z.array(z.number()),
  })
  .refine(
    ({ labels, ...rest }) => Object.values(rest).every(({ length }) => length === labels.length),
    'labels, before, after and frequency differ in number',
  )

const ensembleSchema = z.object({
  method: z.string(),
  members: z.array(z.string()),
  labels: z.array(z.string()),
  weights: z.array(z.array(z.number())).nullable(),
})

/** The error in words, without the path of the folder and without quoting cells, which may name a patient. */
function describe(error: unknown, folder: string): string {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues
    return issue ? `${issue.path.join('.')}: ${issue.message}.` : 'its content is not as expected.'
  }
  if (error instanceof SyntaxError) return 'it is not valid JSON.'
  const message = error instanceof Error ? error.message : String(error)
  return message.replaceAll(`${folder}/`, '').replace(/(is|image) '[^']*'/g, "$1 '…'")
}
