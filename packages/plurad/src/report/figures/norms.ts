/** L2 norms of the classifier's rows, before and after it was trained on its own (figure 5 of the LDRNet paper). */
import type { TopLevelSpec } from 'vega-lite'
import { formatCount } from '../format.js'
import type { ClassifierNorms } from '../load.js'
import type { Figure } from './figure.js'
import { renderSvg } from './svg.js'
import { axisNames, colour, textWidth } from './theme.js'

/** Width of the page's column, in CSS pixels. */
const FIGURE_WIDTH = 1040
const HEIGHT = 220

/** Labels from the most frequent in training to the rarest: norms that fall along with it favour the head. */
export async function normsFigure({ labels, before, after, frequency }: ClassifierNorms): Promise<Figure> {
  const order = labels.map((_, c) => c).sort((a, b) => frequency[b] - frequency[a] || a - b)
  const names = axisNames(order.map((c) => labels[c]))
  const slanted = 8 + 0.72 * Math.max(0, ...names.map((name) => textWidth(name)))
  const values = order.flatMap((c, i) => [
    { name: names[i], norm: before[c], when: 'before' },
    { name: names[i], norm: after[c], when: 'after' },
  ])
  const spec: TopLevelSpec = {
    autosize: 'none',
    width: Math.min(FIGURE_WIDTH - 80, 60 * labels.length),
    height: HEIGHT,
    padding: { left: 60, right: 20, top: 10, bottom: Math.ceil(slanted) + 10 },
    data: { values },
    encoding: {
      x: {
        field: 'name',
        type: 'ordinal',
        title: null,
        scale: { domain: names },
        axis: { grid: false, labelAngle: -45, labelAlign: 'right', labelColor: colour.ink },
      },
      y: {
        field: 'norm',
        type: 'quantitative',
        title: 'L2 norm',
        scale: { zero: true, nice: true },
        axis: { tickCount: 5, titleX: -44 },
      },
      color: {
        field: 'when',
        type: 'nominal',
        legend: null,
        scale: { domain: ['before', 'after'], range: [colour.train, colour.test] },
      },
    },
    layer: [
      { mark: { type: 'line', strokeWidth: 1.5 } },
      { mark: { type: 'point', filled: true, size: 40, opacity: 1 } },
    ],
  }
  const description = `Norms of the classifier's rows: ${order.map((c, i) => `${names[i]} (${formatCount(frequency[c])} images) ${before[c].toFixed(2)} before, ${after[c].toFixed(2)} after`).join('; ')}`
  return {
    name: 'classifier-norms',
    title: 'Norms of the classifier’s rows',
    panels: [{ title: '', svg: await renderSvg(spec, description) }],
    columns: ['label', 'training_positives', 'norm_before', 'norm_after'],
    rows: order.map((c) => [labels[c], frequency[c], before[c], after[c]]),
  }
}
