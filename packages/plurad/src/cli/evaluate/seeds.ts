/** `--seeds`: one method trained several times. */
import { UsageError } from '../../errors.js'
import {
  alignPredictions,
  evaluateMultilabel,
  labelMetricNames,
  maxF1Thresholds,
  summariseSeeds,
  type LabelMetricName,
  type SeedSummary,
} from '../../metrics/index.js'
import { readSavedPredictions, readValidation } from '../prediction-files.js'
import { decimal, formatTable } from '../table.js'

/** What `--seeds --json` prints. */
export interface SeedsSummary {
  runs: string[]
  images: number
  /** Means over labels; null for a metric that one of the runs has not. */
  macro: Record<LabelMetricName, SeedSummary | null>
  labels: ({ label: string } & Record<LabelMetricName, SeedSummary | null>)[]
}

/**
 * Summarises the saved predictions of runs that differ by their seed, each with thresholds tuned on its own validation split.
 *
 * @throws DataError where they are not of the same images
 */
export async function summariseRuns(
  runs: readonly string[],
  split: string,
  labels: string | undefined,
  level: number,
): Promise<SeedsSummary> {
  if (runs.length < 2) throw new UsageError('evaluate: --seeds needs two runs or more')
  const read = await Promise.all(runs.map((run) => readSavedPredictions(run, split, labels)))
  const aligned = alignPredictions(read, runs)
  const metrics = await Promise.all(
    aligned.map(async (predictions, i) => {
      const validation = await readValidation(runs[i])
      return evaluateMultilabel(predictions, validation === null ? undefined : maxF1Thresholds(validation))
    }),
  )
  const over = (valueOf: (run: number, metric: LabelMetricName) => number | null) => {
    const entries = labelMetricNames.map((metric) => {
      const values = runs.map((_, run) => valueOf(run, metric)).filter((value) => value !== null)
      return [metric, values.length === runs.length ? summariseSeeds(values, level) : null] as const
    })
    return Object.fromEntries(entries) as Record<LabelMetricName, SeedSummary | null>
  }
  return {
    runs: [...runs],
    images: aligned[0].images.length,
    macro: over((run, metric) => metrics[run].macro[metric]),
    labels: aligned[0].labels.map((label, c) => ({
      label,
      ...over((run, metric) => metrics[run].labels[c][metric]),
    })),
  }
}

const SHOWN = ['auc', 'average_precision', 'f1', 'brier', 'ece'] as const satisfies readonly LabelMetricName[]

export function seedTables({ runs, images, macro, labels }: SeedsSummary, level: number): string {
  const means = SHOWN.map((metric) => {
    const found = macro[metric]
    if (found === null) return [metric.replaceAll('_', ' '), '-', '-', '-']
    const { interval } = found
    return [
      metric.replaceAll('_', ' '),
      spread(found),
      `${decimal(found.lowest)} to ${decimal(found.highest)}`,
      interval === null ? '-' : `${decimal(interval[0])} to ${decimal(interval[1])}`,
    ]
  })
  const each = labels.map((label) => [
    label.label.length > 26 ? `${label.label.slice(0, 25)}…` : label.label,
    ...(['auc', 'average_precision', 'f1'] as const).map((metric) => spread(label[metric])),
  ])
  return [
    `${runs.length} trainings of one method on the same ${images} images, mean ± standard deviation over them`,
    formatTable(['mean over labels', 'over seeds', 'range', `${100 * level} % of the mean (t)`], means),
    formatTable(['label', 'AUC', 'AP', 'F1'], each),
  ].join('\n\n')
}

function spread(summary: SeedSummary | null): string {
  return summary === null ? '-' : `${decimal(summary.mean)} ± ${decimal(summary.deviation)}`
}
