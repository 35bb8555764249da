/** The figures of an inspection: bars throughout, as all of it is counts. */
import type { TopLevelSpec } from 'vega-lite'
import type { RowSummary } from '../../data/inspect/row-summary.js'
import { formatCount } from '../format.js'
import type { Html } from '../html.js'
import { renderSvg } from '../figures/svg.js'
import { axisNames, colour, textWidth } from '../figures/theme.js'

/** Width of the page's column, in CSS pixels. */
const FIGURE_WIDTH = 1040
const ROW_HEIGHT = 21
/** Room right of the longest bar for its count. */
const COUNT_WIDTH = 56

/** Rows with each label, the most frequent at the top, coloured by group; logarithmic but for its start at 0. */
export async function frequencyFigure({ labels }: Pick<RowSummary, 'labels'>): Promise<Html> {
  const order = [...labels].sort((a, b) => b.positives - a.positives)
  const names = axisNames(order.map(({ label }) => label))
  const values = order.map(({ positives, group }, row) => ({
    name: names[row],
    positives,
    group,
    text: formatCount(positives),
  }))
  const most = Math.max(1, ...values.map(({ positives }) => positives))
  const left = 12 + Math.max(0, ...names.map((name) => textWidth(name, 13)))
  const spec: TopLevelSpec = {
    autosize: 'none',
    width: FIGURE_WIDTH - left - COUNT_WIDTH,
    height: ROW_HEIGHT * labels.length,
    padding: { left, right: COUNT_WIDTH, top: 4, bottom: 38 },
    data: { values },
    encoding: {
      y: {
        field: 'name',
        type: 'ordinal',
        title: null,
        axis: { grid: false, labelColor: colour.ink, labelFontSize: 12 },
        scale: { domain: names, paddingInner: 0.34, paddingOuter: 0.17 },
      },
      x: {
        field: 'positives',
        type: 'quantitative',
        title: 'rows (log scale)',
        scale: { type: 'symlog', constant: 1, domain: [0, most], nice: false },
        axis: {
          values: powersOfTen(most),
          labelExpr: `datum.value < 1000 ? datum.value : datum.value / 1000 + 'k'`,
        },
      },
    },
    layer: [
      {
        mark: { type: 'bar' },
        encoding: {
          color: {
            field: 'group',
            type: 'nominal',
            legend: null,
            scale: {
              domain: ['head', 'medium', 'tail', 'absent'],
              range: ['var(--head)', 'var(--medium)', 'var(--tail)', colour.rule],
            },
          },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 5, color: colour.muted },
        encoding: { text: { field: 'text' } },
      },
    ],
  }
  const description = `Rows with each label: ${values.map(({ name, text }) => `${name} ${text}`).join(', ')}`
  return renderSvg(spec, description)
}

function powersOfTen(most: number): number[] {
  const values = [0]
  for (let power = 1; power <= most; power *= 10) values.push(power)
  return values
}

export interface Bar {
  name: string
  value: number
}

export interface BarFigure {
  /** Titles of the axes. */
  x: string
  y: string
  /** Values are shares. */
  share?: boolean
  /** Every so many bars have their name below them. */
  every?: number
}

/** Bars for whole numbers from `first` on; what is beyond `most` bars is one more. */
export function countBars(counts: readonly number[], first: number, most = 12): Bar[] {
  const bars = counts.slice(first, first + most).map((value, at) => ({ name: String(first + at), value }))
  const rest = counts.slice(first + most).reduce((sum, value) => sum + value, 0)
  return rest === 0 ? bars : [...bars, { name: `${first + most}+`, value: rest }]
}

/** Upright bars in the order given. Three stand beside each other on a wide page, one fills a telephone. */
export async function barFigure(
  bars: readonly Bar[],
  { x, y, share = false, every = Math.ceil(bars.length / 9) }: BarFigure,
): Promise<Html> {
  const names = axisNames(bars.map(({ name }) => name))
  const spec: TopLevelSpec = {
    autosize: 'none',
    width: 258,
    height: 176,
    padding: { left: 64, right: 14, top: 12, bottom: 42 },
    data: { values: bars.map(({ value }, index) => ({ name: names[index], value })) },
    mark: { type: 'bar', color: colour.test },
    encoding: {
      x: {
        field: 'name',
        type: 'ordinal',
        title: x,
        scale: { domain: names, paddingInner: 0.12, paddingOuter: 0.06 },
        axis: { grid: false, labelAngle: 0, values: names.filter((_, index) => index % every === 0) },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        title: y,
        scale: { zero: true, nice: true },
        axis: { tickCount: 4, titleX: -50, ...(share && { format: '.0%' }) },
      },
    },
  }
  const text = bars.map(({ name, value }) => `${name}: ${share ? value.toFixed(3) : formatCount(value)}`)
  return renderSvg(spec, `${y} by ${x}: ${text.join(', ')}`)
}
