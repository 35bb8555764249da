import type { TopLevelSpec } from 'vega-lite'
import type { Html } from '../html.js'
import { formatScore } from '../format.js'
import { bestEpoch, type Epoch } from '../history.js'
import { renderSvg } from './svg.js'
import { colour } from './theme.js'

/** Three of these stand beside each other on a wide page, one fills a telephone. */
const size = {
  autosize: 'none' as const,
  width: 272,
  height: 176,
  padding: { left: 58, right: 14, top: 16, bottom: 40 },
}

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number]

interface Line {
  field: keyof Epoch
  color: string
  name: string
}

/** Training and validation loss over epochs. */
export function lossFigure(epochs: readonly Epoch[]): Promise<Html> {
  const lines: Line[] = [
    { field: 'train_loss', color: colour.train, name: 'training' },
    { field: 'val_loss', color: colour.val, name: 'validation' },
  ]
  return renderSvg(overEpochs(epochs, lines, { title: 'loss' }), describeLines('Loss', epochs, lines))
}

/** Learning rate over epochs. */
export function learningRateFigure(epochs: readonly Epoch[]): Promise<Html> {
  const lines: Line[] = [{ field: 'learning_rate', color: colour.ink, name: 'learning rate' }]
  const y = {
    title: 'learning rate',
    scale: { zero: true },
    axis: { tickCount: 4, labelExpr: `datum.value === 0 ? '0' : format(datum.value, '~e')` },
  }
  return renderSvg(overEpochs(epochs, lines, y), describeLines('Learning rate', epochs, lines))
}

/** Macro AUC of the validation split over epochs, the best epoch marked. */
export function validationFigure(epochs: readonly Epoch[]): Promise<Html> {
  const lines: Line[] = [{ field: 'val_macro_auc', color: colour.val, name: 'validation' }]
  const y = { title: 'macro AUC', axis: { format: '.2f', tickCount: 5 } }
  return renderSvg(overEpochs(epochs, lines, y, bestMark(epochs)), describeLines('Macro AUC', epochs, lines))
}

/** Point, value and epoch of the best epoch, with a line down to the axis so that the epoch can be read off. */
function bestMark(epochs: readonly Epoch[]): Layer[] {
  const best = bestEpoch(epochs)
  if (!best) return []
  const { first, last } = span(epochs)
  const right = best.epoch > (first + last) / 2
  const data = { values: [{ epoch: best.epoch, value: best.val_macro_auc }] }
  return [
    {
      data,
      mark: { type: 'rule', color: colour.muted, strokeDash: [2, 3] },
      encoding: { y2: { value: size.height } },
    },
    {
      data,
      mark: { type: 'point', filled: true, opacity: 1, size: 48, color: colour.val, stroke: colour.page },
    },
    {
      data,
      mark: {
        type: 'text',
        text: `${formatScore(best.val_macro_auc)} at epoch ${best.epoch}`,
        align: right ? 'right' : 'left',
        dx: right ? 4 : -4,
        dy: -13,
        fontWeight: 600,
      },
    },
  ]
}

/** A layered specification of lines over epochs, with further layers on top of them. */
function overEpochs(
  epochs: readonly Epoch[],
  lines: readonly Line[],
  y: { title: string; scale?: object; axis?: object },
  further: readonly Layer[] = [],
): TopLevelSpec {
  const { first, last } = span(epochs)
  return {
    ...size,
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        title: 'epoch',
        scale: { domain: [first, Math.max(last, first + 1)], nice: false, zero: false },
        axis: {
          grid: false,
          format: 'd',
          tickMinStep: 1,
          tickCount: 6,
          labelFlush: false,
          domain: true,
          domainColor: colour.rule,
        },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { zero: false },
        ...y,
        axis: { tickCount: 5, titleX: 15 - size.padding.left, ...y.axis },
      },
    },
    layer: [...lines.map((line) => lineLayer(epochs, line)), ...further],
  }
}

function lineLayer(epochs: readonly Epoch[], { field, color }: Line): Layer {
  const values = epochs.flatMap((epoch) => {
    const value = epoch[field]
    return value === null || value === undefined ? [] : [{ epoch: epoch.epoch, value }]
  })
  // A line of one or two points hardly shows: points are drawn until there are a few.
  const point = values.length <= 3 ? { filled: true, color, size: 28 } : false
  return { data: { values }, mark: { type: 'line', color, point } }
}

function span(epochs: readonly Epoch[]): { first: number; last: number } {
  return { first: epochs[0]?.epoch ?? 0, last: epochs.at(-1)?.epoch ?? 1 }
}

function describeLines(what: string, epochs: readonly Epoch[], lines: readonly Line[]): string {
  const last = epochs.at(-1)
  const values = lines.flatMap(({ field, name }) => {
    const value = last?.[field]
    return value === null || value === undefined ? [] : [`${name} ${Number(value.toPrecision(4))}`]
  })
  return `${what} over ${epochs.length} epochs; at the end ${values.join(', ')}`
}
