import type { Interval, MetricsIntervals, MultilabelMetrics } from '../metrics/index.js'
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

/** Metrics of all labels together, one a line. */
export function overallTable(
  { overall, odir, groups }: MultilabelMetrics,
  intervals?: MetricsIntervals,
): string {
  const line = (part: string, metric: string, value: number | null): string[] => [
    metric.replaceAll('_', ' '),
    withInterval(value, intervals?.means[part]?.[metric]),
  ]
  const rows = Object.entries(overall ?? {}).map(([metric, value]) =>
    line('overall', metric, value as number | null),
  )
  if (odir)
    rows.push([
      'ODIR score (flattened, at 0.5)',
      withInterval(odir.score, intervals?.means['odir']?.['score']),
    ])
  for (const [group, values] of Object.entries(groups ?? {})) {
    const [, auc] = line(group, 'auc', values.auc)
    rows.push([`mean AUC of ${values.labels.length} ${group} labels`, auc])
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
