/** ROC and precision-recall curves, a panel a label, with the band in which other patients would put them. */
import {
  auc,
  averagePrecision,
  precisionRecallCurve,
  rocCurve,
  type LabelColumn,
} from '../../metrics/index.js'
import { GRID, type Band, type LabelBands } from '../bands.js'
import { formatScore } from '../format.js'
import type { Figure, Panel } from './figure.js'
import { bandLayer, lineLayer, squareFigure, visiblePoints, type Point } from './square.js'
import { colour } from './theme.js'

/** What is drawn of a label that has both classes. */
export interface LabelCurves {
  column: LabelColumn
  bands: LabelBands
}

export async function rocFigure(labels: readonly LabelCurves[], color: string): Promise<Figure> {
  const diagonal = [0, 1].map((at) => ({ at, x: at, y: at }))
  const panels = labels.map(async ({ column, bands }): Promise<Panel> => {
    const curve = rocCurve(column)
    const area = auc(column)
    const points = curve === null ? [] : visiblePoints(curve.fpr, curve.tpr)
    const svg = await squareFigure(
      { x: 'false positive rate', y: 'true positive rate' },
      [bandLayer(bands.roc, color), chance(diagonal), lineLayer(points, { color })],
      `ROC curve of ${column.label}, area ${formatScore(area)}`,
    )
    return { title: column.label, value: formatScore(area), svg }
  })
  return {
    name: 'roc',
    title: 'ROC curves',
    panels: await Promise.all(panels),
    columns: ['label', 'false_positive_rate', 'true_positive_rate', 'low', 'high'],
    rows: labels.flatMap(({ column, bands }) => bandRows(column.label, bands.roc)),
  }
}

export async function precisionRecallFigure(labels: readonly LabelCurves[], color: string): Promise<Figure> {
  const panels = labels.map(async ({ column, bands }): Promise<Panel> => {
    const area = averagePrecision(column)
    const points = precisionSteps(column)
    const prevalence = column.positives / (column.positives + column.negatives)
    const useless = [0, 1].map((at) => ({ at, x: at, y: prevalence }))
    const svg = await squareFigure(
      { x: 'recall', y: 'precision' },
      [
        bandLayer(bands.precisionRecall, color),
        chance(useless),
        lineLayer(points, { color, interpolate: 'step-before' }),
      ],
      `Precision-recall curve of ${column.label}, average precision ${formatScore(area)}`,
    )
    return { title: column.label, value: formatScore(area), svg }
  })
  return {
    name: 'precision-recall',
    title: 'Precision-recall curves',
    panels: await Promise.all(panels),
    columns: ['label', 'recall', 'precision', 'low', 'high'],
    rows: labels.flatMap(({ column, bands }) => bandRows(column.label, bands.precisionRecall)),
  }
}

/** The thresholds at which more is found, from the highest on: between them precision is the later one's, as in AP. */
function precisionSteps(column: LabelColumn): Point[] {
  const curve = precisionRecallCurve(column)
  if (curve === null) return []
  // Without its last point, precision 1 at recall 0, which is no threshold's.
  const recall = curve.recall.slice(0, -1).reverse()
  const precision = curve.precision.slice(0, -1).reverse()
  const steps = [...recall.keys()].filter((at) => recall[at] > (recall[at - 1] ?? 0))
  const points = visiblePoints(
    steps.map((at) => recall[at]),
    steps.map((at) => precision[at]),
  )
  return points.length === 0 ? [] : [{ at: -1, x: 0, y: points[0].y }, ...points]
}

/** Where a score that knows nothing lies. */
function chance(points: readonly Point[]) {
  return lineLayer(points, { color: colour.muted, strokeWidth: 1, strokeDash: [2, 3] })
}

function bandRows(label: string, { value, low, high }: Band): (string | number)[][] {
  return GRID.map((x, i) => [label, x, value[i], low[i], high[i]])
}
