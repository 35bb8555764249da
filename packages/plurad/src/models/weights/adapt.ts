/**
 * Weights of another shape than the model's that still say something: other input channels, another image size, another
 * window, two dimensions instead of three. Each way is exact where the published network would see the same image.
 */
import { aten, cat, scope, type Tensor } from '@plurad/torch'

export interface Adaptation {
  /** What was done, for people. */
  how: string
  apply: (values: Tensor) => Tensor
}

export interface AdaptationContext {
  /** Of the model's own names, within the backbone. */
  key: string
  /** Name of the weight that reads the pixels; null without one. */
  stem: string | null
}

type Shape = readonly number[]

/** How values of shape `from` become ones of shape `to`; null where there is no sensible way, or nothing to do. */
export function adaptation(from: Shape, to: Shape, { key, stem }: AdaptationContext): Adaptation | null {
  if (key.endsWith('pos_embedding')) return positions(from, to)
  if (key.endsWith('relative_position_bias_table')) return biasTable(from, to)
  const steps: Adaptation[] = []
  let shape = from
  if (shape.length === 4 && to.length === 5) {
    const inflated = inflation(shape, to)
    steps.push(inflated)
    shape = [shape[0], shape[1], to[2], shape[2], shape[3]]
  }
  if (key === stem && shape.length === to.length && shape.length > 2 && shape[1] !== to[1]) {
    steps.push(channels(shape[1], to[1]))
    shape = [shape[0], to[1], ...shape.slice(2)]
  }
  if (!same(shape, to) && same(withoutOnes(shape), withoutOnes(to))) {
    steps.push({ how: 'shape written otherwise', apply: (values) => values.reshape(...to) })
    shape = to
  }
  // The first of VGG's linear layers: timm writes it as a convolution over the whole map.
  if (shape.length === 4 && to.length === 2 && shape[0] === to[0] && product(shape) === product(to)) {
    steps.push({
      how: 'convolution over the whole map as a linear layer',
      apply: (values) => values.reshape(...to),
    })
    shape = to
  }
  if (steps.length === 0 || !same(shape, to)) return null
  return {
    how: steps.map(({ how }) => how).join(', '),
    apply: (values) => scope(() => steps.reduce((tensor, { apply }) => apply(tensor), values)),
  }
}

/**
 * To one channel: the sum of the filters, which sees in a grey image what they saw in it three times. To fewer others: an
 * equal share of the sum each. To more: the filters over and over, scaled so that equal channels give the same sum.
 */
function channels(from: number, to: number): Adaptation {
  if (to < from) {
    return {
      how: to === 1 ? `${from} input channels added up` : `${from} input channels shared out to ${to}`,
      apply: (values) => {
        const sum = values.sum(1, true)
        return to === 1 ? sum : cat(new Array<Tensor>(to).fill(sum.mul(1 / to)), 1)
      },
    }
  }
  return {
    how: `${from} input channels repeated to ${to}`,
    apply: (values) => {
      const times = Math.ceil(to / from)
      const repeated = cat(new Array<Tensor>(times).fill(values), 1).slice(1, 0, to)
      return repeated.mul(from / to)
    },
  }
}

/** A filter of an image at every depth, divided by their number: a volume of equal slices gives what the image gave. */
function inflation(from: Shape, to: Shape): Adaptation {
  const depth = to[2]
  return {
    how: `${from.slice(2).join('x')} filters at ${depth} depth${depth === 1 ? '' : 's'}`,
    apply: (values) => {
      const slice = values.unsqueeze(2).mul(1 / depth)
      return cat(new Array<Tensor>(depth).fill(slice), 2)
    },
  }
}

/** [1, tokens, D]: the class token stays, the grid is interpolated. */
function positions(from: Shape, to: Shape): Adaptation | null {
  const [before, after] = [from[1] - 1, to[1] - 1].map(Math.sqrt)
  if (!Number.isInteger(before) || !Number.isInteger(after) || from[2] !== to[2] || before === 0) return null
  return {
    how: `positions ${before}x${before} -> ${after}x${after}`,
    apply: (values) =>
      scope(() => {
        const grid = values.slice(1, 1).transpose(1, 2).reshape(1, from[2], before, before)
        const wide = bicubic(grid, after)
        return cat([values.slice(1, 0, 1), wide.flatten(2).transpose(1, 2)], 1)
      }),
  }
}

/** [(2 window - 1)^2, heads] */
function biasTable(from: Shape, to: Shape): Adaptation | null {
  const [before, after] = [from[0], to[0]].map(Math.sqrt)
  if (!Number.isInteger(before) || !Number.isInteger(after) || from[1] !== to[1]) return null
  return {
    how: `window ${(before + 1) / 2} -> ${(after + 1) / 2}`,
    apply: (values) =>
      scope(() => {
        const grid = values.transpose(0, 1).reshape(1, from[1], before, before)
        return bicubic(grid, after).flatten(2).squeeze(0).transpose(0, 1)
      }),
  }
}

/** [1, C, H, W] -> [1, C, side, side] */
function bicubic(grid: Tensor, side: number): Tensor {
  return aten.upsample_bicubic2d.default(grid.float(), [side, side], false)
}

/** Rows of `values` in the order of `rows`; those of the model where a row has no counterpart. */
export function pickRows(values: Tensor, rows: readonly (number | null)[], own: Tensor): Tensor {
  return scope(() =>
    cat(
      rows.map((row, i) =>
        row === null ? own.slice(0, i, i + 1) : values.slice(0, row, row + 1).to({ dtype: own.dtype }),
      ),
      0,
    ),
  )
}

function same(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i])
}

function withoutOnes(shape: Shape): Shape {
  return shape.filter((size) => size !== 1)
}

function product(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1)
}
