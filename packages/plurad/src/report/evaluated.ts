/** The split that a report judges: its metrics, how sure they are, and what curves are drawn of. */
import {
  applyCalibration,
  evaluateMultilabel,
  groupLabels,
  labelColumns,
  type Interval,
  type LabelColumn,
  type LabelGroup,
  type MeasuredMetrics,
  type MetricsIntervals,
} from '../metrics/index.js'
import type { Predictions } from '../metrics/predictions.js'
import { curveBands, type LabelBands } from './bands.js'
import { labelIntervals } from './label-intervals.js'
import type { RunContents } from './load.js'
import type { SplitMetrics } from './metrics-file.js'

/** What stands behind the figures where predictions are at hand. */
export interface Measured {
  predictions: Predictions
  /** The same figures as in `metrics`, with groups where training counts are known. */
  metrics: MeasuredMetrics
  /** [C] with the threshold of each label. */
  columns: LabelColumn[]
  /** [C] null for a label without both classes. */
  bands: (LabelBands | null)[]
}

export interface Evaluated {
  /** `given` for predictions that came without a run. */
  split: 'test' | 'val' | 'given'
  /** As the run wrote them. */
  metrics: SplitMetrics
  /** Null where neither the run has them nor predictions to make them of. */
  intervals: MetricsIntervals | null
  /** [C] positive training images; null where they are not known. */
  trainingCounts: readonly number[] | null
  /** [C] */
  groups: readonly LabelGroup[] | null
  measured: Measured | null
}

const SEED = 0
const LEVEL = 0.95
/** Samples of the patients, fewer where images times labels are many, so that a report takes seconds. */
const MOST_SAMPLES = 1000
const FEWEST_SAMPLES = 200
const MOST_WORK = 2e8

type Contents = Pick<RunContents, 'metrics' | 'predictions' | 'splits' | 'trainingCounts'>

/** The test split, or validation as long as there is no test; null where nothing has been evaluated. */
export function evaluatedSplit(run: Contents): Evaluated | null {
  for (const split of ['given', 'test', 'val'] as const) {
    const metrics = run.metrics[split]
    if (metrics !== null) return evaluatedOf(split, metrics, run)
  }
  return null
}

function evaluatedOf(split: Evaluated['split'], metrics: SplitMetrics, run: Contents): Evaluated {
  const trainingCounts = countsFor(metrics, run)
  const groups = trainingCounts === null ? null : groupLabels(trainingCounts)
  const predictions = asJudged(run.predictions[split], metrics)
  // Predictions of another run than the metrics would be drawn under figures that are not theirs.
  const belong =
    predictions !== null &&
    predictions.images.length === metrics.images &&
    predictions.labels.join('\n') === metrics.labels.map(({ label }) => label).join('\n')
  const stored = metrics.intervals ?? null
  if (!belong || predictions.images.length === 0) {
    return { split, metrics, intervals: stored, trainingCounts, groups, measured: null }
  }
  const thresholds = metrics.labels.map(({ threshold }) => threshold)
  const repetitions = samplesFor(predictions)
  const coversGroups = groups === null || groups.every((group) => stored?.means[group] !== undefined)
  const intervals =
    stored !== null && coversGroups
      ? stored
      : labelIntervals(predictions, { thresholds, groups, repetitions, seed: SEED, level: LEVEL })
  const bands = curveBands(predictions, { repetitions: Math.ceil(repetitions / 2), seed: SEED, level: LEVEL })
  return {
    split,
    metrics,
    intervals,
    trainingCounts,
    groups,
    measured: {
      predictions,
      metrics: evaluateMultilabel(predictions, thresholds, groups ?? undefined),
      columns: labelColumns(predictions).map((column, c) => ({ ...column, threshold: thresholds[c] })),
      bands,
    },
  }
}

/** Calibrated, where the metrics are of calibrated probabilities and the file holds the scores as they were. */
function asJudged(predictions: Predictions | null, { calibration }: SplitMetrics): Predictions | null {
  if (predictions === null || calibration?.parameters?.length !== predictions.labels.length)
    return predictions
  const calibrated = applyCalibration(calibration.parameters, predictions)
  const { before, after } = calibration
  const found = evaluateMultilabel(predictions).macro.brier
  const wanted = after?.brier ?? null
  if (found === null || before.brier === null || wanted === null) return predictions
  return Math.abs(found - before.brier) < Math.abs(found - wanted) ? calibrated : predictions
}

/** The interval of one label's figure: null where it is not defined, undefined where there are none at all. */
export function labelInterval(
  { intervals }: Evaluated,
  label: string,
  metric: string,
): Interval | null | undefined {
  if (intervals === null) return undefined
  return intervals.labels.find((entry) => entry.label === label)?.intervals[metric] ?? null
}

/** The interval of a mean, `macro`, `overall` or a group; as {@link labelInterval}. */
export function meanInterval(
  { intervals }: Evaluated,
  of: string,
  metric: string,
): Interval | null | undefined {
  return intervals === null ? undefined : (intervals.means[of]?.[metric] ?? null)
}

function countsFor({ labels }: SplitMetrics, { splits, trainingCounts }: Contents): readonly number[] | null {
  if (trainingCounts !== null) return trainingCounts
  if (splits === null || splits.splits.train.images === 0) return null
  const counts = labels.map(({ label }) => {
    const at = splits.labels.indexOf(label)
    return at < 0 ? null : splits.splits.train.positives[at]
  })
  return counts.every((count) => count !== null) ? counts : null
}

function samplesFor({ images, labels }: Predictions): number {
  const fit = Math.floor(MOST_WORK / Math.max(1, images.length * labels.length))
  return Math.min(MOST_SAMPLES, Math.max(FEWEST_SAMPLES, fit))
}
