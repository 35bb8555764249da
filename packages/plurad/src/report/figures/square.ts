/** Small square panels with axes from 0 to 1, of which a figure has one a label. */
import type { TopLevelSpec } from 'vega-lite'
import type { Html } from '../html.js'
import type { Band } from '../bands.js'
import { GRID } from '../bands.js'
import { renderSvg } from './svg.js'

/** A panel's side in pixels: a step below a third of one cannot be seen. */
const SIDE = 150
const VISIBLE_STEP = 0.002

export type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number]

export interface Point {
  /** Its place along the line. */
  at: number
  x: number
  y: number
}

/**
 * Layers hold points with fields `x` and `y`.
 *
 * @param end of both axes; what lies beyond is cut off
 */
export function squareFigure(
  titles: { x: string; y: string },
  layers: readonly Layer[],
  description: string,
  end = 1,
): Promise<Html> {
  const axis = { values: [0, end / 2, end], format: '~g' }
  const scale = { domain: [0, end], nice: false }
  return renderSvg(
    {
      autosize: 'none',
      width: SIDE,
      height: SIDE,
      padding: { left: 40, right: 8, top: 8, bottom: 38 },
      encoding: {
        x: { field: 'x', type: 'quantitative', title: titles.x, scale, axis },
        y: { field: 'y', type: 'quantitative', title: titles.y, scale, axis: { ...axis, titleX: -27 } },
      },
      layer: [...layers],
    },
    description,
  )
}

/** A line through points in their order. */
export function lineLayer(values: readonly Point[], mark: object): Layer {
  return {
    data: { values: [...values] },
    mark: { type: 'line', ...mark },
    encoding: { order: { field: 'at' } },
  }
}

/** The area between the ends of a band. */
export function bandLayer({ low, high }: Pick<Band, 'low' | 'high'>, color: string): Layer {
  const values = GRID.map((x, i) => ({ x, y: round(low[i]), high: round(high[i]) }))
  return {
    data: { values },
    mark: { type: 'area', color, opacity: 0.18 },
    encoding: { y2: { field: 'high' } },
  }
}

/** Without the points that cannot be told from their neighbours. */
export function visiblePoints(xs: readonly number[], ys: readonly number[]): Point[] {
  const points: Point[] = []
  for (let at = 0; at < xs.length; at++) {
    const last = points.at(-1)
    const step = last ? Math.max(Math.abs(xs[at] - last.x), Math.abs(ys[at] - last.y)) : Infinity
    if (step >= VISIBLE_STEP || at === xs.length - 1) points.push({ at, x: xs[at], y: ys[at] })
  }
  return points
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
