/** How the mean AUC falls as images get worse, a panel a corruption. */
import type { TopLevelSpec } from 'vega-lite'
import { formatScore } from '../format.js'
import type { StoredRobustness } from '../robustness-file.js'
import type { Figure, Panel } from './figure.js'
import { renderSvg } from './svg.js'
import { colour } from './theme.js'

export async function robustnessFigure({ plain, corruptions }: StoredRobustness): Promise<Figure> {
  const curves = corruptions.map(({ name, amount, curve }) => ({
    name,
    amount,
    points: [{ severity: 0, amount: null, auc: plain.auc }, ...curve],
  }))
  const ends = curves.flatMap(({ points }) =>
    points.flatMap(({ auc }) => [auc.value ?? 0.5, ...(auc.interval ?? [])]),
  )
  // One scale for all panels, so that they can be compared.
  const [low, high] = [Math.max(0, Math.min(...ends) - 0.02), Math.min(1, Math.max(...ends) + 0.02)]
  const panels = curves.map(async ({ name, points }): Promise<Panel> => {
    const values = points.flatMap(({ severity, auc: { value, interval } }) =>
      value === null ? [] : [{ severity, value, low: interval?.[0] ?? value, high: interval?.[1] ?? value }],
    )
    const spec: TopLevelSpec = {
      autosize: 'none',
      width: 142,
      height: 142,
      padding: { left: 48, right: 8, top: 8, bottom: 38 },
      data: { values },
      encoding: {
        x: {
          field: 'severity',
          type: 'quantitative',
          title: 'severity',
          scale: { domain: [0, Math.max(...points.map(({ severity }) => severity))], nice: false },
          axis: { grid: false, tickMinStep: 1, format: 'd' },
        },
        y: {
          field: 'value',
          type: 'quantitative',
          title: 'mean AUC',
          scale: { domain: [low, high], nice: false, zero: false },
          axis: { tickCount: 4, format: '.2f', titleX: -38 },
        },
      },
      layer: [
        {
          mark: { type: 'area', color: colour.test, opacity: 0.18 },
          encoding: {
            y: { field: 'low', type: 'quantitative', title: 'mean AUC' },
            y2: { field: 'high' },
          },
        },
        { mark: { type: 'line', color: colour.test, point: { filled: true, color: colour.test, size: 24 } } },
      ],
    }
    const text = values.map(({ severity, value }) => `${severity}: ${formatScore(value)}`).join(', ')
    return { title: name, svg: await renderSvg(spec, `Mean AUC by severity of ${name}: ${text}`) }
  })
  return {
    name: 'robustness',
    title: 'Mean AUC on corrupted images',
    panels: await Promise.all(panels),
    columns: ['corruption', 'severity', 'amount', 'unit', 'auc', 'low', 'high'],
    rows: curves.flatMap(({ name, amount: unit, points }) =>
      points.map(({ severity, amount, auc: { value, interval } }) => [
        name,
        severity,
        amount,
        unit,
        value,
        interval?.[0] ?? null,
        interval?.[1] ?? null,
      ]),
    ),
  }
}
