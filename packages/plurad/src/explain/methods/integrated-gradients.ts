/**
 * Integrated Gradients (Sundararajan et al., ICML 2017, arXiv:1703.01365): along the straight path from a baseline x' to the
 * image x, IG_i = (x_i - x'_i) integral_0^1 dy/dx_i(x' + a (x - x')) da, summed over channels. The sum over all pixels is
 * y(x) - y(x'): how near it comes says whether the path was looked at closely enough. So it does on each part of the path,
 * and where it does not come near, that part is cut in two (Gauss-Legendre quadrature on each).
 */
import { fromTypedArray, grad, noGrad, scope, tensor, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import type { Completeness } from '../explained.js'
import { defineMethod, type Answer, type Question } from './method.js'
import { repeated } from './side.js'

/** Differences of logits below this are not worth halving their error. */
const LEAST_DIFFERENCE = 0.1

/** Points on each part of the path. */
const ORDER = 4

interface Options {
  baseline: 'black' | 'white' | 'mean'
  steps: number
  most_steps: number
  tolerance: number
  batch: number
}

export const integratedGradients = defineMethod({
  title: 'Integrated Gradients',
  paper: 'Sundararajan et al., Axiomatic Attribution for Deep Networks, ICML 2017, arXiv:1703.01365',
  unit: 'part of the logit difference',
  options: z.strictObject({
    /** Black or white pixels, or the mean that normalisation subtracts. */
    baseline: z.enum(['black', 'white', 'mean']).default('black'),
    /** Points of the path to begin with, and at most. */
    steps: z.int().min(ORDER).max(4096).default(32),
    most_steps: z.int().min(ORDER).max(65536).default(512),
    /** Share of the difference of the logits that the sum may be away from it. */
    tolerance: z.number().positive().max(1).default(0.01),
    /** Points that go through the network at once. */
    batch: z.int().min(1).max(256).default(8),
  }),
  resolution: 'pixels',
  explain: (question, options) => scope(() => integrate(question, options)),
})

/** A part of the path and what was found on it. */
interface Part {
  from: number
  to: number
  /** One a label: the integral for every value of the pixels. */
  values: Float32Array[]
  /** One a label: how far their sum is from the difference of the logits at the part's ends. */
  errors: number[]
}

function integrate(question: Question, options: Options): Answer {
  const { labels, pixels } = question
  const path = new Path(question, options)
  const allowed = labels.map((label) => {
    const difference = Math.abs(path.logitsAt(1)[label] - path.logitsAt(0)[label])
    return options.tolerance * Math.max(difference, LEAST_DIFFERENCE)
  })
  const sums = labels.map(() => new Float64Array(pixels.numel))
  const errors = labels.map(() => 0)
  const accept = ({ values, errors: own }: Part): void =>
    labels.forEach((_, i) => {
      errors[i] += own[i]
      values[i].forEach((value, k) => (sums[i][k] += value))
    })
  const count = Math.ceil(options.steps / ORDER)
  let ends = Array.from({ length: count }, (_, i): [number, number] => [i / count, (i + 1) / count])
  let steps = 0
  while (ends.length > 0) {
    const parts = path.parts(ends)
    steps += ORDER * parts.length
    const near = labels.every(
      (_, i) => Math.abs(parts.reduce((sum, part) => sum + part.errors[i], errors[i])) <= allowed[i],
    )
    const poor = parts.filter(
      ({ from, to, errors: own }) =>
        !near && own.some((error, i) => Math.abs(error) > allowed[i] * (to - from)),
    )
    const enough = steps + 2 * ORDER * poor.length > options.most_steps
    for (const part of parts) if (enough || !poor.includes(part)) accept(part)
    ends = enough
      ? []
      : poor.flatMap(({ from, to }): [number, number][] => [
          [from, (from + to) / 2],
          [(from + to) / 2, to],
        ])
  }
  const shape = pixels.shape.slice(2)
  const positions = shape.reduce((product, length) => product * length, 1)
  const heatmaps = sums.map((all) => {
    const values = new Float64Array(positions)
    all.forEach((value, k) => (values[k % positions] += value))
    return { shape, values: Float32Array.from(values) }
  })
  const completeness = labels.map((label, i): Completeness => {
    const difference = path.logitsAt(1)[label] - path.logitsAt(0)[label]
    return { sum: difference + errors[i], difference, steps }
  })
  return { heatmaps, stage: null, completeness }
}

/** The straight line from the baseline (0) to the image (1). */
class Path {
  readonly #question: Question
  readonly #batch: number
  readonly #from: Tensor
  readonly #step: Tensor
  readonly #stepValues: Float64Array
  readonly #logits = new Map<number, Float64Array>()

  constructor(question: Question, { baseline, batch }: Options) {
    const { model, pixels } = question
    this.#question = question
    this.#batch = batch
    this.#from = baselineLike(pixels, baseline, model.settings.mean, model.settings.std)
    this.#step = pixels.sub(this.#from)
    this.#stepValues = this.#step.double().toTypedArray() as Float64Array
  }

  /** All logits at a point of the path. */
  logitsAt(point: number): Float64Array {
    const known = this.#logits.get(point) ?? this.#logitsOf([point])[0]
    this.#logits.set(point, known)
    return known
  }

  #logitsOf(points: readonly number[]): Float64Array[] {
    const { model, side } = this.#question
    return noGrad(() =>
      scope(() => {
        const logits = model.forward(this.#images(points), repeated(side, points.length))
        return logits.split(1).map((row) => row.double().toTypedArray() as Float64Array)
      }),
    )
  }

  #images(points: readonly number[]): Tensor {
    const { shape, dtype, device } = this.#from
    const dims = [points.length, ...shape.slice(1).map(() => 1)]
    const along = fromTypedArray(Float64Array.from(points), dims, { device }).to({ dtype })
    return this.#from.add(this.#step.mul(along))
  }

  parts(ends: readonly (readonly [number, number])[]): Part[] {
    const { labels } = this.#question
    const { points, weights } = gaussLegendre(ORDER)
    const size = this.#stepValues.length
    const parts = ends.map(([from, to]) => ({ from, to, values: labels.map(() => new Float32Array(size)) }))
    const all = ends.flatMap(([from, to]) => Array.from(points, (point) => from + point * (to - from)))
    for (let start = 0; start < all.length; start += this.#batch) {
      const some = all.slice(start, start + this.#batch)
      this.#gradients(some).forEach((gradients, i) => {
        some.forEach((_, k) => {
          const { from, to, values } = parts[Math.floor((start + k) / ORDER)]
          const share = weights[(start + k) % ORDER] * (to - from)
          for (let at = 0; at < size; at++)
            values[i][at] += share * gradients[k * size + at] * this.#stepValues[at]
        })
      })
    }
    return parts.map(({ from, to, values }) => {
      const [first, last] = [this.logitsAt(from), this.logitsAt(to)]
      const errors = labels.map((label, i) => {
        const sum = values[i].reduce((total, value) => total + value, 0)
        return sum - (last[label] - first[label])
      })
      return { from, to, values, errors }
    })
  }

  /** One a label: the gradients of its logit at the points, [points, pixels]. */
  #gradients(points: readonly number[]): (Float32Array | Float64Array)[] {
    const { model, side, labels } = this.#question
    return scope(() => {
      const at = this.#images(points).detach().requiresGrad_()
      const logits = model.forward(at, repeated(side, points.length))
      return labels.map((label, i) => {
        const [gradient] = grad(logits.select(1, label).sum(), [at], { retainGraph: i < labels.length - 1 })
        return (gradient as Tensor).toTypedArray() as Float32Array | Float64Array
      })
    })
  }
}

/** The baseline as the model sees it, of the shape of the pixels. */
function baselineLike(
  pixels: Tensor,
  baseline: Options['baseline'],
  mean: readonly number[],
  std: readonly number[],
): Tensor {
  const values = mean.map((centre, channel) =>
    baseline === 'mean' ? 0 : ((baseline === 'white' ? 1 : 0) - centre) / std[channel],
  )
  const { shape, dtype, device } = pixels
  return tensor(values, { dtype, device })
    .view(1, values.length, ...shape.slice(2).map(() => 1))
    .expand(...shape)
}

/** Points in (0, 1) and weights that sum to one: the roots of the Legendre polynomial, by Newton's method. */
export function gaussLegendre(count: number): { points: Float64Array; weights: Float64Array } {
  const [points, weights] = [new Float64Array(count), new Float64Array(count)]
  for (let i = 0; i < count; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5))
    let slope = 1
    for (let change = 1; Math.abs(change) > 1e-15;) {
      // P_n by Bonnet's recursion, and its derivative.
      let [before, now] = [1, x]
      for (let n = 2; n <= count; n++) [before, now] = [now, ((2 * n - 1) * x * now - (n - 1) * before) / n]
      slope = (count * (x * now - before)) / (x * x - 1)
      change = now / slope
      x -= change
    }
    points[i] = (1 - x) / 2
    weights[i] = 1 / ((1 - x * x) * slope * slope)
  }
  return { points, weights }
}
