import { formatCount } from '../format.js'
import type { Html } from '../html.js'
import { SPLITS, type SplitSummary } from '../split-table.js'
import { renderSvg } from './svg.js'
import { axisNames, colour, textWidth } from './theme.js'

const ROW_HEIGHT = 21
/** Width that all panels share on a wide page, in CSS pixels. */
const FIGURE_WIDTH = 1040
/** Room right of the longest bar for its count. */
const COUNT_WIDTH = 50

export interface FrequencyPanel {
  split: (typeof SPLITS)[number]
  figure: Html
  /** Of the figure, in CSS pixels: the panels have one height when shown at one scale. */
  width: number
}

/**
 * Images with each label, a panel a split, the most frequent label at the top; the first panel holds the
 * labels' names. The scale is logarithmic but for its start at zero (`log(1 + x)`): a long tail of tens
 * stays visible beside tens of thousands.
 */
export async function labelFrequencyFigure({ labels, splits }: SplitSummary): Promise<FrequencyPanel[]> {
  const shown = SPLITS.filter((split) => splits[split].images > 0)
  const total = labels.map((_, c) => shown.reduce((sum, split) => sum + splits[split].positives[c], 0))
  const order = labels.map((_, c) => c).sort((a, b) => total[b] - total[a] || a - b)
  const names = axisNames(order.map((c) => labels[c]))
  const namesWidth = 12 + Math.max(0, ...names.map((name) => textWidth(name, 12)))
  const barWidth = Math.max(90, (FIGURE_WIDTH - namesWidth) / Math.max(1, shown.length) - COUNT_WIDTH - 20)
  const most = Math.max(1, ...shown.flatMap((split) => splits[split].positives))

  return Promise.all(
    shown.map(async (split, i) => {
      const values = order.map((c, row) => {
        const count = splits[split].positives[c]
        return { name: names[row], count, text: formatCount(count) }
      })
      const left = i === 0 ? namesWidth : 20
      const figure = await renderSvg(
        {
          autosize: 'none',
          width: barWidth,
          height: ROW_HEIGHT * labels.length,
          padding: { left, right: COUNT_WIDTH, top: 4, bottom: 38 },
          data: { values },
          encoding: {
            y: {
              field: 'name',
              type: 'ordinal',
              title: null,
              axis: i === 0 ? { grid: false, labelColor: colour.ink, labelFontSize: 12 } : null,
              scale: { domain: names, paddingInner: 0.34, paddingOuter: 0.17 },
            },
            x: {
              field: 'count',
              type: 'quantitative',
              title: 'images (log scale)',
              scale: { type: 'symlog', constant: 1, domain: [0, most], nice: false },
              axis: {
                values: powersOfTen(most),
                labelExpr: `datum.value < 1000 ? datum.value : datum.value / 1000 + 'k'`,
              },
            },
          },
          layer: [
            { mark: { type: 'bar', color: colour[split] } },
            {
              mark: { type: 'text', align: 'left', dx: 5, color: colour.muted },
              encoding: { text: { field: 'text' } },
            },
          ],
        },
        `Images with each label in the ${split} split: ${values.map(({ name, text }) => `${name} ${text}`).join(', ')}`,
      )
      return { split, figure, width: left + barWidth + COUNT_WIDTH }
    }),
  )
}

function powersOfTen(most: number): number[] {
  const values = [0]
  for (let power = 1; power <= most; power *= 10) values.push(power)
  return values
}
