/** A figure with a metric a label against its training images: the long tail at a glance. */
import type { TopLevelSpec } from 'vega-lite'
import type { Interval, LabelGroup } from '../../metrics/index.js'
import { formatScore } from '../format.js'
import type { Figure, Panel } from './figure.js'
import { placeNames } from './place-names.js'
import { renderSvg } from './svg.js'
import { axisNames, colour, textWidth } from './theme.js'

export interface TailPoint {
  label: string
  /** Positive training images. */
  count: number
  group: LabelGroup
  /** In the order of the metrics. */
  values: readonly { value: number | null; interval: Interval | null }[]
}

export interface TailMetric {
  name: string
  title: string
  /** Score of a model that knows nothing, where it is the same for all labels. */
  chance: number | null
}

const WIDTH = 334
const HEIGHT = 220
const NAME_SIZE = 9.5

export async function tailFigure(
  points: readonly TailPoint[],
  metrics: readonly TailMetric[],
): Promise<Figure> {
  const panels = metrics.map((metric, m) => tailPanel(points, metric, m))
  return {
    name: 'head-medium-tail',
    title: 'Metrics by training images',
    panels: await Promise.all(panels),
    columns: [
      'label',
      'group',
      'training_positives',
      ...metrics.flatMap(({ name }) => [name, `${name}_low`, `${name}_high`]),
    ],
    rows: points.map(({ label, group, count, values }) => [
      label,
      group,
      count,
      ...values.flatMap(({ value, interval }) => [value, interval?.[0] ?? null, interval?.[1] ?? null]),
    ]),
  }
}

async function tailPanel(points: readonly TailPoint[], metric: TailMetric, m: number): Promise<Panel> {
  const names = axisNames(
    points.map(({ label }) => label),
    20,
  )
  const values = points.flatMap(({ count, group, values: of }, i) => {
    const { value, interval } = of[m]
    if (value === null) return []
    const [low, high] = interval ?? [value, value]
    return [{ name: names[i], count: Math.max(1, count), group, value, low, high }]
  })
  const most = Math.max(10, ...values.map(({ count }) => count)) * 1.4
  const least = Math.min(most / 20, ...values.map(({ count }) => count)) / 1.4
  const ends = [
    ...values.flatMap(({ low, high }) => [low, high]),
    ...(metric.chance === null ? [] : [metric.chance]),
  ]
  const [bottom, top] = [Math.max(0, Math.min(...ends) - 0.04), Math.min(1, Math.max(...ends) + 0.04)]
  const placed = placeNames(
    values.map(({ name, count, value }) => ({
      name,
      x: (WIDTH * Math.log(count / least)) / Math.log(most / least),
      y: (HEIGHT * (top - value)) / (top - bottom),
    })),
    (name) => textWidth(name, NAME_SIZE),
    { width: WIDTH, height: HEIGHT },
  )
  const spec: TopLevelSpec = {
    autosize: 'none',
    width: WIDTH,
    height: HEIGHT,
    padding: { left: 54, right: 24, top: 12, bottom: 40 },
    data: { values },
    encoding: {
      x: {
        field: 'count',
        type: 'quantitative',
        title: 'positive training images (log scale)',
        scale: { type: 'log', domain: [least, most], nice: false },
        axis: {
          grid: false,
          values: steps(least, most),
          labelExpr: `format(datum.value, ',')`,
          domain: true,
          domainColor: colour.rule,
        },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        title: metric.title,
        scale: { domain: [bottom, top], nice: false, zero: false },
        axis: { tickCount: 5, titleX: -40 },
      },
      color: {
        field: 'group',
        type: 'nominal',
        legend: null,
        scale: { domain: ['head', 'medium', 'tail'], range: [colour.head, colour.medium, colour.tail] },
      },
    },
    layer: [
      ...(metric.chance === null
        ? []
        : [
            {
              data: { values: [{ value: metric.chance }] },
              mark: { type: 'rule' as const, color: colour.muted, strokeDash: [2, 3] },
              encoding: { x: { value: 0 }, x2: { value: WIDTH }, color: { value: colour.muted } },
            },
          ]),
      {
        mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.55 },
        encoding: { y: { field: 'low', type: 'quantitative', title: metric.title }, y2: { field: 'high' } },
      },
      { mark: { type: 'point', filled: true, size: 42, opacity: 1 } },
      {
        data: {
          values: values.flatMap((value, i) => {
            const place = placed[i]
            return place === null ? [] : [{ ...value, ...place }]
          }),
        },
        mark: {
          type: 'text',
          fontSize: NAME_SIZE,
          dx: { expr: 'datum.dx' },
          dy: { expr: 'datum.dy' },
          align: { expr: 'datum.align' },
        },
        encoding: { text: { field: 'name' }, color: { value: colour.muted } },
      },
    ],
  }
  const description = `${metric.title} by training images: ${values.map(({ name, value, count }) => `${name} ${formatScore(value)} of ${count}`).join(', ')}`
  return { title: metric.title, svg: await renderSvg(spec, description) }
}

/** 1, 3, 10, 30 and so on, within what is shown. */
function steps(least: number, most: number): number[] {
  const values: number[] = []
  for (let power = 1; power <= most; power *= 10) values.push(power, 3 * power)
  return values.filter((value) => value >= least && value <= most)
}
