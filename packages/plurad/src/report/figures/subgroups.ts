/** A metric of each group of images with its interval, group below group. */
import type { TopLevelSpec } from 'vega-lite'
import { formatWithInterval } from '../format.js'
import type { StoredAttribute } from '../subgroups-file.js'
import type { Figure, Panel } from './figure.js'
import { renderSvg } from './svg.js'
import { axisNames, colour, textWidth } from './theme.js'

const ROW_HEIGHT = 26
/** Two panels stand beside each other on a wide page. */
const FIGURE_WIDTH = 410
const NUMBERS_WIDTH = 122

/** One panel an attribute; the line is the metric of all images, over the same labels where it is given. */
export async function subgroupFigure(
  attributes: readonly StoredAttribute[],
  metric: 'auc' | 'average_precision',
  title: string,
): Promise<Figure> {
  const panels = attributes.map((attribute) => attributePanel(attribute, metric, title))
  return {
    name: `subgroups-${metric.replace('_', '-')}`,
    title: `${title} by subgroup`,
    panels: await Promise.all(panels),
    columns: ['attribute', 'group', 'images', 'patients', metric, 'low', 'high'],
    rows: attributes.flatMap(({ name, groups }) =>
      groups.map(({ value, images, patients, comparable }) => {
        const { value: mean, interval } = comparable[metric]
        return [name, value, images, patients, mean, interval?.[0] ?? null, interval?.[1] ?? null]
      }),
    ),
  }
}

async function attributePanel(
  { name: attribute, groups }: StoredAttribute,
  metric: 'auc' | 'average_precision',
  title: string,
): Promise<Panel> {
  const names = axisNames(
    groups.map(({ value }) => value),
    20,
  )
  const values = groups.map(({ small, comparable }, i) => {
    const { value, interval } = comparable[metric]
    return {
      name: names[i],
      value,
      low: interval?.[0] ?? value,
      high: interval?.[1] ?? value,
      small,
      text: formatWithInterval(value, interval),
    }
  })
  const known = values.filter(({ value }) => value !== null)
  const ends = known.flatMap(({ low, high }) => [low ?? 0, high ?? 0])
  const [low, high] = ends.length === 0 ? [0, 1] : [Math.min(...ends), Math.max(...ends)]
  const margin = Math.max(0.02, 0.08 * (high - low))
  const left = 12 + Math.max(40, ...names.map((name) => textWidth(name, 12)))
  const width = FIGURE_WIDTH - left - NUMBERS_WIDTH
  const opacity = { condition: { test: 'datum.small', value: 0.45 }, value: 1 }
  const spec: TopLevelSpec = {
    autosize: 'none',
    width,
    height: ROW_HEIGHT * names.length,
    padding: { left, right: NUMBERS_WIDTH, top: 4, bottom: 38 },
    encoding: {
      y: {
        field: 'name',
        type: 'ordinal',
        title: null,
        axis: { grid: false, labelColor: colour.ink, labelFontSize: 12 },
        scale: { domain: names },
      },
      x: {
        field: 'value',
        type: 'quantitative',
        title,
        scale: { domain: [Math.max(0, low - margin), Math.min(1, high + margin)], nice: false, zero: false },
        axis: { tickCount: 4, format: '.2f' },
      },
    },
    layer: [
      {
        data: { values: known },
        mark: { type: 'rule', color: colour.test, strokeWidth: 2 },
        encoding: { x: { field: 'low', type: 'quantitative', title }, x2: { field: 'high' }, opacity },
      },
      {
        data: { values: known },
        mark: { type: 'point', filled: true, size: 56, color: colour.test },
        encoding: { opacity },
      },
      {
        data: { values },
        mark: { type: 'text', align: 'left', color: colour.muted },
        encoding: { x: { value: width + 8 }, text: { field: 'text' } },
      },
    ],
  }
  const description = `${title} by ${attribute}: ${values.map(({ name, text }) => `${name} ${text}`).join(', ')}`
  return { title: attribute, svg: await renderSvg(spec, description) }
}
