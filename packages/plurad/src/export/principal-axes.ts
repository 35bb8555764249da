/** Where points spread most: the leading eigenvectors of their covariance. */
import { Random } from '../data/random.js'
import { symmetricEigen } from '../models/vectors/jacobi.js'

export interface PrincipalAxes {
  /** [D] */
  mean: Float64Array
  /** [K] of [D], orthonormal, the one of most variance first. */
  axes: Float64Array[]
  /** Variance along each axis, over `points - 1`. */
  variances: number[]
  /** The mean variance along all other directions. */
  rest: number
}

/** Directions beyond those wanted, and rounds, after which the wanted ones no longer change (Halko et al. 2011). */
const OVERSAMPLING = 8
const ROUNDS = 8

/**
 * By subspace iteration: for hundreds of points of a thousand numbers a second's work.
 *
 * @param points [N] of [D]
 * @param count axes wanted, less than N and D
 */
export function principalAxes(points: readonly Float64Array[], count: number): PrincipalAxes {
  const size = points[0].length
  const mean = new Float64Array(size)
  for (const point of points) add(mean, point, 1 / points.length)
  const centred = points.map((point) => point.map((value, i) => value - mean[i]))
  const degrees = Math.max(1, points.length - 1)
  const total = centred.reduce((sum, point) => sum + dot(point, point), 0) / degrees

  const random = new Random(0)
  const width = Math.min(count + OVERSAMPLING, size, points.length)
  let basis = orthonormal(
    Array.from({ length: width }, () => Float64Array.from({ length: size }, () => random.normal())),
  )
  for (let round = 0; round < ROUNDS; round++) basis = orthonormal(covarianceTimes(centred, basis))

  const turned = covarianceTimes(centred, basis)
  const small = basis.map((a) => turned.map((b) => dot(a, b) / degrees))
  const { values, vectors } = symmetricEigen(small)
  const kept = values.slice(0, Math.min(count, width)).filter((value) => value > 1e-12 * total)
  const axes = kept.map((_, k) => {
    const axis = new Float64Array(size)
    basis.forEach((direction, i) => add(axis, direction, vectors[k][i]))
    return axis
  })
  const left = Math.max(0, total - kept.reduce((sum, value) => sum + value, 0))
  return { mean, axes, variances: kept, rest: left / Math.max(1, size - kept.length) }
}

/** X^T X b for each b, of centred points X. */
function covarianceTimes(points: readonly Float64Array[], basis: readonly Float64Array[]): Float64Array[] {
  return basis.map((direction) => {
    const product = new Float64Array(direction.length)
    for (const point of points) add(product, point, dot(point, direction))
    return product
  })
}

/** Gram and Schmidt, twice, which is enough; what has no length of its own is left out. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = []
  for (const vector of vectors) {
    const before = Math.sqrt(dot(vector, vector))
    const left = vector.slice()
    for (let turn = 0; turn < 2; turn++) for (const other of done) add(left, other, -dot(left, other))
    const length = Math.sqrt(dot(left, left))
    if (length > 1e-10 * before) done.push(left.map((value) => value / length))
  }
  return done
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

function add(to: Float64Array, what: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] += factor * what[i]
}
