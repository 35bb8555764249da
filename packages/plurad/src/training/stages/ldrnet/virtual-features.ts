/** Features of images that never were: x = mean + L z of the label's value, z standard normal, L L' = covariance. */
import { aten, fromTypedArray, Generator, noGrad, randn, scope, zeros, type Tensor } from '@plurad/torch'
import type { GaussianStatistics } from './gaussian-statistics.js'

const VALUES = [0, 1] as const

/** Rounding can leave a covariance of few images short of positive: as share of the mean variance, until it is. */
const ROUNDING = [0, 1e-10, 1e-8, 1e-6]

/** One normal distribution for each value of each label, to draw from. */
export class LabelGaussians {
  /** Whether both values of a label were seen, and one of them twice: others have no distribution, [C]. */
  readonly drawable: readonly boolean[]
  /** Labels of which one value was seen once: it has the covariance of the other, which is all that pooling both leaves. */
  readonly pooled: readonly number[]
  /** [2, C, D], float32. */
  readonly #means: Tensor
  /** Standard deviations [2, C, D], or lower triangles [2, C, D, D], float32. */
  readonly #factors: Tensor
  readonly #diagonal: boolean

  /**
   * @param epsilon what `full` covariances get on their diagonal, as a share of their mean variance
   * @param device where the features are to be
   */
  constructor(statistics: GaussianStatistics, epsilon: number, device: string) {
    const { labels, kind } = statistics
    const all = Array.from({ length: labels }, (_, label) => label)
    const counts = all.map((label) => VALUES.map((value) => statistics.count(value, label)))
    this.drawable = counts.map((of) => Math.min(...of) > 0 && Math.max(...of) > 1)
    this.pooled = all.filter((label) => this.drawable[label] && Math.min(...counts[label]) === 1)
    this.#diagonal = kind === 'diagonal'
    const { features: dim } = statistics
    // One at a time, so that no more than one covariance is there twice.
    const each = (shape: readonly number[], of: (value: 0 | 1, label: number) => Tensor): Tensor => {
      const made = zeros([2, labels, ...shape], { device })
      for (const value of VALUES) {
        for (const label of all)
          noGrad(() => scope(() => void made.select(0, value).select(0, label).copy_(of(value, label))))
      }
      return made
    }
    this.#means = each([dim], (value, label) => statistics.mean(value, label))
    this.#factors = each(this.#diagonal ? [dim] : [dim, dim], (value, label) => {
      if (!this.drawable[label]) return zeros([1])
      const known = counts[label][value] > 1 ? value : value === 0 ? 1 : 0
      const covariance = statistics.covariance(known, label)
      return this.#diagonal ? covariance.sqrt() : factor(covariance, kind === 'full' ? epsilon : 0)
    })
  }

  /**
   * @param targets which value each feature belongs to, [N, C] row by row; NaN gives the features of value 0
   * @param seed of the random numbers: the same gives the same features, whatever was drawn before
   * @returns [N, C, D], float32
   */
  draw(targets: Float32Array, seed: number): Tensor {
    return noGrad(() =>
      scope(() => {
        const [, labels, dim] = this.#means.shape
        const count = targets.length / labels
        const { device } = this.#means
        const noise = randn([count, labels, dim], { generator: new Generator(seed) }).to({ device })
        const present = fromTypedArray(targets, [count, labels, 1], { device }).eq(1)
        const of = (value: 0 | 1): Tensor => {
          const mean = this.#means.select(0, value)
          const factors = this.#factors.select(0, value)
          if (this.#diagonal) return noise.mul(factors).add(mean)
          // [C, N, D] x [C, D, D]
          return noise.transpose(0, 1).bmm(factors.transpose(1, 2)).transpose(0, 1).add(mean)
        }
        return of(1).where(present, of(0))
      }),
    )
  }

  dispose(): void {
    this.#means.dispose()
    this.#factors.dispose()
  }
}

/** Lower triangle L with L L' = covariance + epsilon m I, m the mean variance; zeros where nothing varies. */
function factor(covariance: Tensor, epsilon: number): Tensor {
  return scope(() => {
    const dim = covariance.size(0)
    const meanVariance = aten.trace.default(covariance).item() / dim
    for (const rounding of ROUNDING) {
      const regular = covariance.clone()
      aten.diagonal.default(regular).add_((epsilon + rounding) * meanVariance)
      const [lower, info] = aten.linalg_cholesky_ex.default(regular)
      if (info.item() === 0) return lower
    }
    return zeros([dim, dim], { dtype: 'float64' })
  })
}
