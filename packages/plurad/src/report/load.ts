import { readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { csvParseRows } from 'd3-dsv'
import { z } from 'zod'
import { RunError } from '../errors.js'
import { labelMetricNames, type LabelMetricName, type MultilabelMetrics } from '../metrics/index.js'
import { readPredictions, type Predictions } from '../metrics/predictions.js'
import { formatPlural } from './format.js'
import { parseHistory, type Epoch } from './history.js'
import { summariseSplits, type SplitSummary } from './split-table.js'

/** All that a report is made of; a part is null when its file is missing or cannot be read. */
export interface RunContents {
  /** The folder's own name. */
  name: string
  metrics: { test: MultilabelMetrics | null; val: MultilabelMetrics | null }
  history: Epoch[]
  predictions: { test: Predictions | null; val: Predictions | null }
  splits: SplitSummary | null
  /** The recipe's text, as it was run. */
  recipe: string | null
  environment: Record<string, unknown> | null
  /** Images that could not be read; null when the run wrote no list of them. */
  skipped: number | null
  /** Files that are not there. */
  missing: string[]
  /** What was wrong with files that are there, in words. */
  problems: string[]
}

/**
 * Reads what a run folder holds, finished or not.
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
  async function part<T>(file: string, parse: (text: string) => T | Promise<T>): Promise<T | null> {
    let text: string
    try {
      text = await readFile(join(folder, file), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') missing.push(file)
      else
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

  const metrics = await part('metrics.json', (text) => metricsSchema.parse(JSON.parse(text)))
  const history = await part('history.jsonl', parseHistory)
  if (history && history.damaged > 0) {
    problems.push(
      `history.jsonl: ${formatPlural(history.damaged, 'line')} cannot be read and ${history.damaged === 1 ? 'is' : 'are'} left out.`,
    )
  }
  const predictionsOf = (split: string) =>
    part(`predictions/${split}.csv`, () => readPredictions(join(folder, 'predictions', `${split}.csv`)))
  const contents = {
    name: basename(folder),
    metrics: { test: metrics?.test ?? null, val: metrics?.val ?? null },
    history: history?.epochs ?? [],
    predictions: { val: await predictionsOf('val'), test: await predictionsOf('test') },
    splits: await part('split.csv', (text) => summariseSplits('split.csv', text)),
    recipe: await part('recipe.yaml', (text) => text),
    environment: await part('environment.json', (text) =>
      z.record(z.string(), z.unknown()).parse(JSON.parse(text)),
    ),
    // Only counted: the rows name images.
    skipped: await part('skipped.csv', (text) => Math.max(0, csvParseRows(text).length - 1)),
  }
  return { ...contents, missing, problems }
}

const metricValue = z
  .number()
  .nullish()
  .transform((value) => value ?? null)

const metricShape = Object.fromEntries(labelMetricNames.map((name) => [name, metricValue])) as Record<
  LabelMetricName,
  typeof metricValue
>

const multilabelSchema = z.object({
  images: z.number(),
  labels: z.array(
    z
      .object({
        ...metricShape,
        label: z.string(),
        threshold: metricValue,
        positives: z.number(),
        negatives: z.number(),
        unknown: z.number(),
        note: z.string().optional(),
      })
      .transform(({ note, ...rest }) => (note === undefined ? rest : { ...rest, note })),
  ),
  macro: z.object({ ...metricShape, labels_counted: z.number(), labels_with_threshold: z.number() }),
})

const metricsSchema = z.object({ test: multilabelSchema.nullish(), val: multilabelSchema.nullish() })

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
