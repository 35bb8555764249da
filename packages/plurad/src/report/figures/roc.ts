import type { TopLevelSpec } from 'vega-lite'
import type { RocCurve } from '../../metrics/index.js'
import { formatScore } from '../format.js'
import type { Html } from '../html.js'
import { renderSvg } from './svg.js'
import { colour } from './theme.js'

/** A panel's side is 150 pixels: a step below a third of one cannot be seen. */
const VISIBLE_STEP = 0.002

/** The ROC curve of one label as a small square panel; its title is the page's. */
export function rocFigure(label: string, auc: number | null, curve: RocCurve, color: string): Promise<Html> {
  const axis = { values: [0, 0.5, 1], format: '~g' }
  const scale = { domain: [0, 1], nice: false }
  const spec: TopLevelSpec = {
    autosize: 'none',
    width: 150,
    height: 150,
    padding: { left: 40, right: 8, top: 8, bottom: 38 },
    encoding: {
      x: { field: 'fpr', type: 'quantitative', title: 'false positive rate', scale, axis },
      y: {
        field: 'tpr',
        type: 'quantitative',
        title: 'true positive rate',
        scale,
        axis: { ...axis, titleX: -27 },
      },
      order: { field: 'at' },
    },
    layer: [
      {
        data: { values: [0, 1].map((at) => ({ at, fpr: at, tpr: at })) },
        mark: { type: 'line', color: colour.muted, strokeWidth: 1, strokeDash: [2, 3] },
      },
      { data: { values: visiblePoints(curve) }, mark: { type: 'line', color } },
    ],
  }
  return renderSvg(spec, `ROC curve of ${label}, area ${formatScore(auc)}`)
}

function visiblePoints({ fpr, tpr }: RocCurve): { at: number; fpr: number; tpr: number }[] {
  const points: { at: number; fpr: number; tpr: number }[] = []
  for (let at = 0; at < fpr.length; at++) {
    const last = points.at(-1)
    const step = last ? Math.max(fpr[at] - last.fpr, tpr[at] - last.tpr) : Infinity
    if (step >= VISIBLE_STEP || at === fpr.length - 1) points.push({ at, fpr: fpr[at], tpr: tpr[at] })
  }
  return points
}
