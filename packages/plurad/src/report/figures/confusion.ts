/** What a decision threshold makes of each label: found and missed, right and false alarms. */
import type { TopLevelSpec } from 'vega-lite'
import type { Confusion } from '../../metrics/index.js'
import { formatCount, formatPercent } from '../format.js'
import type { Figure, Panel } from './figure.js'
import { renderSvg } from './svg.js'
import { axisNames, colour, textWidth } from './theme.js'

export interface LabelConfusion {
  label: string
  threshold: number
  outcomes: Confusion
}

const ROW_HEIGHT = 21
/** Width that both panels share on a wide page, in CSS pixels. */
const FIGURE_WIDTH = 1040
/** Room right of a bar for its numbers. */
const NUMBERS_WIDTH = 150

/** Two panels with a bar a label: of the images with the finding, and of those without it, the shares called right. */
export async function confusionFigure(
  labels: readonly LabelConfusion[],
): Promise<Figure & { widths: number[] }> {
  const names = axisNames(labels.map(({ label }) => label))
  const namesWidth = 12 + Math.max(0, ...names.map((name) => textWidth(name, 12)))
  const barWidth = Math.max(90, (FIGURE_WIDTH - namesWidth - 20) / 2 - NUMBERS_WIDTH)
  const sides = [
    {
      title: 'With the finding: found',
      color: colour.good,
      counts: ({ truePositives, falseNegatives }: Confusion) => [truePositives, falseNegatives] as const,
    },
    {
      title: 'Without it: false alarms',
      color: colour.bad,
      counts: ({ trueNegatives, falsePositives }: Confusion) => [falsePositives, trueNegatives] as const,
    },
  ]
  const panels = sides.map(async ({ title, color, counts }, side): Promise<Panel> => {
    const values = labels.map(({ outcomes }, row) => {
      const [shown, rest] = counts(outcomes)
      const share = shown + rest === 0 ? 0 : shown / (shown + rest)
      return {
        name: names[row],
        share,
        whole: 1,
        text:
          shown + rest === 0
            ? 'no image'
            : `${formatPercent(share)} · ${formatCount(shown)} of ${formatCount(shown + rest)}`,
      }
    })
    const y = {
      field: 'name',
      type: 'ordinal' as const,
      title: null,
      axis: side === 0 ? { grid: false, labelColor: colour.ink, labelFontSize: 12 } : null,
      scale: { domain: names, paddingInner: 0.34, paddingOuter: 0.17 },
    }
    const spec: TopLevelSpec = {
      autosize: 'none',
      width: barWidth,
      height: ROW_HEIGHT * labels.length,
      padding: { left: side === 0 ? namesWidth : 20, right: NUMBERS_WIDTH, top: 4, bottom: 24 },
      data: { values },
      encoding: {
        y,
        x: {
          field: 'share',
          type: 'quantitative',
          title: null,
          scale: { domain: [0, 1], nice: false },
          axis: { values: [0, 0.5, 1], format: '.0%' },
        },
      },
      layer: [
        {
          mark: { type: 'bar', color: colour.rule },
          encoding: { x: { field: 'whole', type: 'quantitative' } },
        },
        { mark: { type: 'bar', color } },
        {
          mark: { type: 'text', align: 'left', dx: 6, color: colour.muted },
          encoding: { text: { field: 'text' }, x: { field: 'whole', type: 'quantitative' } },
        },
      ],
    }
    const description = `${title}: ${values.map(({ name, text }) => `${name} ${text}`).join(', ')}`
    return { title, svg: await renderSvg(spec, description) }
  })
  return {
    name: 'confusion',
    title: 'Decisions at the operating point',
    panels: await Promise.all(panels),
    widths: [namesWidth, 20].map((left) => left + barWidth + NUMBERS_WIDTH),
    columns: ['label', 'threshold', 'true_positives', 'false_positives', 'false_negatives', 'true_negatives'],
    rows: labels.map(({ label, threshold, outcomes: o }) => [
      label,
      threshold,
      o.truePositives,
      o.falsePositives,
      o.falseNegatives,
      o.trueNegatives,
    ]),
  }
}
