import type { TopLevelSpec } from 'vega-lite'
import type { Html } from '../html.js'
import { formatCount, formatPercent } from '../format.js'
import { renderSvg } from './svg.js'
import { axisNames, colour, textWidth } from './theme.js'

/** Above so many labels the cells have no room for numbers. */
const MOST_WITH_NUMBERS = 18
/** Width of the page's column, in CSS pixels. */
const FIGURE_WIDTH = 1040
/** Above so many labels only the most frequent are drawn. */
const MOST_LABELS = 40

/** Which labels images have together. */
export interface LabelPairs {
  labels: readonly string[]
  /** [C][C] images with both labels; the diagonal counts the label itself. */
  together: readonly (readonly number[])[]
  /** [C][C] images with the row's label and of which the column's is known. */
  known: readonly (readonly number[])[]
}

export interface CoOccurrence {
  figure: Html
  /** The largest share between two different labels, drawn darkest. */
  darkest: number
  /** Whether the cells hold share and count: there is no room with many labels. */
  numbers: boolean
  /** Labels drawn. */
  labels: number
}

/**
 * How often the column's label is present in images with the row's: `P(column | row)`, with the count of
 * images that have both. Images whose column label is unknown are left out. The diagonal holds the number
 * of images with the label.
 */
export async function coOccurrenceFigure({ labels, together, known }: LabelPairs): Promise<CoOccurrence> {
  const order = labels
    .map((_, c) => c)
    .sort((a, b) => together[b][b] - together[a][a] || a - b)
    .slice(0, MOST_LABELS)
  const numbers = order.length <= MOST_WITH_NUMBERS
  const names = axisNames(
    order.map((c) => labels[c]),
    22,
  )
  const cells = order.flatMap((r, row) =>
    order.map((c, column) => {
      const share = known[r][c] === 0 ? null : together[r][c] / known[r][c]
      const same = r === c
      return {
        row: names[row],
        column: names[column],
        share: same ? null : share,
        kind: same ? 'same' : share === null ? 'none' : 'pair',
        // With the diagonal, the count stands alone and in the middle.
        percent: same ? formatCount(together[r][c]) : share === null ? '' : formatPercent(share),
        count: same || share === null ? '' : formatCount(together[r][c]),
      }
    }),
  )
  const darkest = Math.max(0, ...cells.map((one) => one.share ?? 0))
  const scale = Math.max(darkest, 0.01)
  const widest = Math.max(0, ...names.map((name) => textWidth(name)))
  const scaleOf = { domain: names }
  // Without numbers the cells are square, and as large as lets the figure fit a wide page.
  const room = (FIGURE_WIDTH - 1.7 * widest - 16) / order.length
  const square = Math.max(14, Math.min(26, Math.floor(room)))
  const [cell, height] = numbers ? [52, 38] : [square, square]
  const axis = { grid: false, labelColor: colour.ink }

  const spec: TopLevelSpec = {
    autosize: 'none',
    padding: {
      left: widest + 12,
      right: Math.ceil(widest * 0.7) + 4,
      top: Math.ceil(widest * 0.72) + 14,
      bottom: 4,
    },
    width: cell * order.length,
    height: height * order.length,
    data: { values: cells },
    encoding: {
      x: {
        field: 'column',
        type: 'ordinal',
        title: null,
        scale: scaleOf,
        axis: { ...axis, orient: 'top', labelAngle: -45, labelAlign: 'left' },
      },
      y: { field: 'row', type: 'ordinal', title: null, scale: scaleOf, axis },
    },
    layer: [
      {
        transform: [
          { filter: `datum.kind === 'pair'` },
          { calculate: `0.03 + 0.87 * datum.share / ${scale}`, as: 'fill' },
        ],
        mark: { type: 'rect', color: colour.test, stroke: colour.page, strokeWidth: 1.5, strokeOpacity: 1 },
        encoding: { fillOpacity: { field: 'fill', type: 'quantitative', scale: null } },
      },
      {
        transform: [{ filter: `datum.kind === 'same'` }],
        mark: { type: 'rect', color: colour.rule, stroke: colour.page, strokeWidth: 1.5 },
      },
      ...(numbers ? [textLayer('percent', scale), textLayer('count', scale)] : []),
    ],
  }
  const description = `Share of images with the row's label that also have the column's, for ${order.length} labels`
  return { figure: await renderSvg(spec, description), darkest, numbers, labels: order.length }
}

function textLayer(field: 'percent' | 'count', darkest: number) {
  const second = field === 'count'
  return {
    mark: {
      type: 'text' as const,
      fontSize: second ? 9 : 11,
      dy: second ? 8 : { expr: `datum.kind === 'same' ? 0 : -5` },
    },
    encoding: {
      text: { field },
      // What can be read on a cell depends on how dark it is.
      color: {
        condition: { test: `datum.share > ${0.75 * darkest}`, value: colour.page },
        value: colour.ink,
      },
      opacity: {
        condition: { test: `datum.share > ${0.25 * darkest}`, value: 1 },
        value: second ? 0.7 : 1,
      },
    },
  }
}
