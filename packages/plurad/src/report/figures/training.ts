import type { TopLevelSpec } from 'vega-lite'
import type { Html } from '../html.js'
import { formatScore } from '../format.js'
import type { Epoch } from '../history.js'
import type { TrainingStage } from '../load.js'
import type { Figure } from './figure.js'
import { renderSvg } from './svg.js'
import { axisNames, colour } from './theme.js'

/** Two of these stand beside each other on a wide page, one fills a telephone. */
const size = {
  autosize: 'none' as const,
  width: 340,
  height: 170,
  padding: { left: 58, right: 14, top: 24, bottom: 40 },
}

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number]

type Quantity = Exclude<keyof Epoch, 'stage'>

interface Line {
  field: Quantity
  color: string
  name: string
}

/** An epoch with its place on the axis, which goes on over all stages. */
interface Placed {
  at: number
  stage: number
  epoch: Epoch
}

interface Course {
  stages: readonly TrainingStage[]
  placed: readonly Placed[]
}

/** Losses that differ more are drawn on a logarithmic scale. */
const LOSS_RATIO = 20

const TITLES = ['Loss', 'Macro AUC', 'Macro average precision', 'Learning rate'] as const

/** The course of training: loss, validation metrics and learning rate over the epochs of all stages. */
export async function trainingFigure(stages: readonly TrainingStage[]): Promise<Figure> {
  const course = placeEpochs(stages)
  const rate = { tickCount: 4, labelExpr: `datum.value === 0 ? '0' : format(datum.value, '~e')` }
  const score = { format: '.2f', tickCount: 5 }
  const val = (field: Quantity): Line[] => [{ field, color: colour.val, name: 'validation' }]
  const svgs = [
    draw(course, [{ field: 'train_loss', color: colour.train, name: 'training' }, ...val('val_loss')], {
      title: 'loss',
      ...lossScale(course),
    }),
    draw(course, val('val_macro_auc'), { title: 'macro AUC', axis: score }),
    draw(course, val('val_macro_average_precision'), { title: 'macro average precision', axis: score }),
    draw(course, [{ field: 'learning_rate', color: colour.ink, name: 'learning rate' }], {
      title: 'learning rate',
      scale: { zero: true },
      axis: rate,
    }),
  ]
  const fields = [
    'train_loss',
    'val_loss',
    'val_macro_auc',
    'val_macro_average_precision',
    'learning_rate',
  ] as const
  return {
    name: 'training',
    title: 'Course of training',
    panels: (await Promise.all(svgs)).map((svg, i) => ({ title: TITLES[i], svg })),
    columns: ['stage', 'epoch', ...fields, 'kept'],
    rows: course.placed.map(({ stage, epoch }) => [
      stages[stage].name ?? '',
      epoch.epoch,
      ...fields.map((field) => epoch[field] ?? null),
      stages[stage].kept?.epoch === epoch.epoch ? 1 : 0,
    ]),
  }
}

/** Logarithmic where stages minimise losses of another size, such as a contrastive and a binary one. */
function lossScale({ placed }: Course): { scale?: object; axis?: object } {
  const losses = placed.flatMap(({ epoch }) =>
    [epoch.train_loss, epoch.val_loss].filter((loss) => typeof loss === 'number'),
  )
  const [least, most] = [Math.min(...losses), Math.max(...losses)]
  return least > 0 && most / least > LOSS_RATIO
    ? { scale: { type: 'log', nice: false }, axis: { tickCount: 4, format: '~g' } }
    : {}
}

/** One stage keeps its epochs' own numbers; the next goes on counting. */
function placeEpochs(stages: readonly TrainingStage[]): Course {
  let before = 0
  const placed = stages.flatMap(({ epochs }, stage) => {
    const here = epochs.map((epoch) => ({ at: before + epoch.epoch, stage, epoch }))
    before = here.at(-1)?.at ?? before
    return here
  })
  return { stages, placed }
}

/** A layered specification of lines over epochs, the epochs that were kept marked, and boundaries between stages. */
function draw(
  course: Course,
  lines: readonly Line[],
  y: { title: string; scale?: object; axis?: object },
): Promise<Html> {
  const { placed, stages } = course
  const [first, last] = [placed[0]?.at ?? 0, placed.at(-1)?.at ?? 1]
  const spec: TopLevelSpec = {
    ...size,
    encoding: {
      x: {
        field: 'at',
        type: 'quantitative',
        title: stages.length > 1 ? 'epoch, all stages' : 'epoch',
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
    layer: [
      ...boundaries(course),
      ...lines.flatMap((line) => stages.map((_, stage) => lineLayer(course, stage, line))),
      ...lines.flatMap((line) => stages.flatMap((_, stage) => keptMark(course, stage, line))),
    ],
  }
  return renderSvg(spec, describe(y.title, course, lines))
}

function lineLayer({ placed }: Course, stage: number, { field, color }: Line): Layer {
  const values = placed.flatMap(({ at, stage: of, epoch }) => {
    const value = epoch[field]
    return of !== stage || value === null || value === undefined ? [] : [{ at, value }]
  })
  // A line of one or two points hardly shows: points are drawn until there are a few.
  const point = values.length <= 3 ? { filled: true, color, size: 28 } : false
  return { data: { values }, mark: { type: 'line', color, point } }
}

/** Point and value of the epoch that a stage kept, with a line down to the axis so that the epoch can be read off. */
function keptMark({ stages, placed }: Course, stage: number, { field, color }: Line): Layer[] {
  const { kept } = stages[stage]
  const value = kept?.[field]
  const found = placed.find((one) => one.stage === stage && one.epoch === kept)
  if (kept === null || found === undefined || value === null || value === undefined) return []
  if (field === 'learning_rate' || field === 'train_loss') return []
  const [first, last] = [placed[0].at, placed[placed.length - 1].at]
  const right = found.at > (first + last) / 2
  const data = { values: [{ at: found.at, value }] }
  return [
    {
      data,
      mark: { type: 'rule', color: colour.muted, strokeDash: [2, 3] },
      encoding: { y2: { value: size.height } },
    },
    { data, mark: { type: 'point', filled: true, opacity: 1, size: 48, color, stroke: colour.page } },
    {
      data,
      mark: {
        type: 'text',
        // The axis goes on counting over stages, so that an epoch of one has another number there.
        text: stages.length > 1 ? formatScore(value) : `${formatScore(value)} at epoch ${kept.epoch}`,
        align: right ? 'right' : 'left',
        dx: right ? 4 : -4,
        dy: -13,
        fontWeight: 600,
      },
    },
  ]
}

/** A line where a stage begins, with its name at the top. */
function boundaries({ stages, placed }: Course): Layer[] {
  if (stages.length < 2) return []
  const names = axisNames(
    stages.map(({ name }) => name ?? ''),
    18,
  )
  const [first] = placed
  return stages.flatMap((_, stage): Layer[] => {
    const begins = placed.find((one) => one.stage === stage)
    if (begins === undefined) return []
    // Between the last epoch of one stage and the first of the next.
    const at = begins === first ? begins.at : begins.at - 0.5
    const data = { values: [{ at, name: names[stage] }] }
    const rule: Layer = {
      data,
      mark: { type: 'rule', color: colour.rule, strokeWidth: 1.5 },
      encoding: { y: { value: -16 }, y2: { value: size.height } },
    }
    const name: Layer = {
      data,
      mark: { type: 'text', align: 'left', dx: 4, fontSize: 10, color: colour.muted },
      encoding: { text: { field: 'name' }, y: { value: -12 } },
    }
    return begins === first ? [name] : [rule, name]
  })
}

function describe(what: string, { placed }: Course, lines: readonly Line[]): string {
  const last = placed.at(-1)?.epoch
  const values = lines.flatMap(({ field, name }) => {
    const value = last?.[field]
    return value === null || value === undefined ? [] : [`${name} ${Number(value.toPrecision(4))}`]
  })
  return `${what} over ${placed.length} epochs; at the end ${values.join(', ')}`
}
