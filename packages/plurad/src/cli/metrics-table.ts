import type { MultilabelMetrics } from '../metrics/multilabel.js'
import { decimal } from './table.js'

/** The per-label table and the means, within 100 columns. */
export function metricsTable(metrics: MultilabelMetrics): string {
  const names = metrics.labels.map((label) =>
    label.label.length > 28 ? `${label.label.slice(0, 27)}…` : label.label,
  )
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
