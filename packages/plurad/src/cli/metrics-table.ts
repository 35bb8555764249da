import {
  DEFAULT_BOUNDS,
  type Interval,
  type LabelGroup,
  type MetricsIntervals,
  type MultilabelMetrics,
} from '../metrics/index.js'
import { decimal, formatTable } from './table.js'

const LONGEST_NAME = 26

/** The per-label table and the means, within 100 columns; with intervals where there are. */
export function metricsTable(metrics: MultilabelMetrics, intervals?: MetricsIntervals): string {
  return intervals === undefined ? plainTable(metrics) : intervalTable(metrics, intervals)
}

/** `0.702 (0.690-0.714)`. */
export function withInterval(
  value: number | null | undefined,
  interval: Interval | null | undefined,
): string {
  const ends = interval ? ` (${decimal(interval[0])}-${decimal(interval[1])})` : ''
  return `${decimal(value)}${ends}`
}

/** `+0.013 (+0.006 to +0.020)`. */
export function signedInterval(
  value: number | null | undefined,
  interval: Interval | null | undefined,
): string {
  if (value === null || value === undefined) return '-'
  const text = (number: number): string => {
    const digits = decimal(number)
    // Not -0.000, which looks like a loss.
    return number < 0 && Number(digits) !== 0 ? digits : `+${digits.replace('-', '')}`
  }
  return text(value) + (interval ? ` (${text(interval[0])} to ${text(interval[1])})` : '')
}

/** Means over the labels of the head, the middle and the tail. */
export function groupTable({ groups }: MultilabelMetrics, intervals?: MetricsIntervals): string {
  const rows = Object.entries(groups ?? {}).map(([group, values]) => [
    `${group} (${GROUP_BOUNDS[group as LabelGroup]})`,
    values.labels.length,
    ...(['auc', 'average_precision', 'f1'] as const).map((metric) =>
      withInterval(values[metric], intervals?.means[group]?.[metric]),
    ),
  ])
  return formatTable(['training images', 'labels', 'AUC', 'AP', 'F1'], rows)
}

const GROUP_BOUNDS: Record<LabelGroup, string> = {
  head: `over ${DEFAULT_BOUNDS.head}`,
  medium: `${DEFAULT_BOUNDS.tail} to ${DEFAULT_BOUNDS.head}`,
  tail: `under ${DEFAULT_BOUNDS.tail}`,
}

/** Metrics of all labels together, one a line. */
export function overallTable(
  { overall, odir, macro }: MultilabelMetrics,
  intervals?: MetricsIntervals,
): string {
  const line = (part: string, metric: string, value: number | null): string[] => [
    metric.replaceAll('_', ' '),
    withInterval(value, intervals?.means[part]?.[metric]),
  ]
  const rows = Object.entries(overall ?? {}).map(([metric, value]) =>
    line('overall', metric, value as number | null),
  )
  if (odir) {
    rows.push([
      'ODIR score (flattened, at 0.5)',
      withInterval(odir.score, intervals?.means['odir']?.['score']),
    ])
    // Beside it, since a model that calls nothing has a high ODIR score already.
    rows.push(['macro F1 at 0.5', withInterval(macro.f1_at_half, intervals?.means['macro']?.['f1_at_half'])])
  }
  return formatTable(['all labels', 'value'], rows)
}

function shortened(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name
}

function plainTable(metrics: MultilabelMetrics): string {
  const names = metrics.labels.map(({ label }) => shortened(label, 22))
  const width = Math.max(5, ...names.map((name) => name.length))
  const row = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(width)} ${cells.map((cell) => cell.padStart(11)).join('')}`
  const lines = metrics.labels.map((label, i) =>
    row(names[i], [
      String(label.positives),
      decimal(label.auc),
      decimal(label.average_precision),
      decimal(label.f1),
      decimal(label.precision),
      decimal(label.recall),
      decimal(label.threshold),
    ]),
  )
  const { macro } = metrics
  return [
    row('label', ['positive', 'AUC', 'AP', 'F1', 'precision', 'recall', 'threshold']),
    ...lines,
    row('mean', [
      '',
      decimal(macro.auc),
      decimal(macro.average_precision),
      decimal(macro.f1),
      decimal(macro.precision),
      decimal(macro.recall),
      '',
    ]),
  ].join('\n')
}

function intervalTable(metrics: MultilabelMetrics, intervals: MetricsIntervals): string {
  const shown = ['auc', 'average_precision', 'f1'] as const
  const rows = metrics.labels.map((label, c) => [
    shortened(label.label, LONGEST_NAME),
    label.positives,
    ...shown.map((name) => withInterval(label[name], intervals.labels[c].intervals[name])),
  ])
  const means = shown.map((name) => withInterval(metrics.macro[name], intervals.means['macro'][name]))
  return formatTable(['label', 'positive', 'AUC', 'AP', 'F1'], [...rows, ['mean', '', ...means]])
}
