/**
 * Means and covariances of features, one pair a label and value, in one pass over the images (LDRNet, Huang et al., 2024,
 * eq. 9 and 10). Batches are merged in float64 (Chan, Golub and LeVeque, 1979): with d = mean_B - mean_A,
 * mean = mean_A + d n_B / n and S = S_A + S_B + d d' n_A n_B / n, where S = sum (x - mean)(x - mean)'.
 * Memory does not grow with the images: 2 C D numbers for means and as many for variances; 2 C D^2 with covariances, which
 * are 235 MB for 14 labels of 1,024 features and 940 MB for 2,048.
 */
import { aten, cat, fromTypedArray, keep, noGrad, scope, zeros, type Tensor } from '@plurad/torch'

export const COVARIANCES = ['diagonal', 'shrunk', 'full'] as const

/**
 * `diagonal`: variances alone. `full`: covariances, made invertible by a small multiple of the identity. `shrunk`:
 * covariances drawn towards a multiple of the identity as far as Ledoit and Wolf (2004) say.
 */
export type CovarianceKind = (typeof COVARIANCES)[number]

/**
 * What Ledoit and Wolf's shrinkage needs beside S, of the deviations y = x - mean: cubes sum |y|^2 y, [D], and
 * fourths sum |y|^4. Under a shift y + e, with sum y = 0:
 * cubes + tr(S) e + 2 S e + n |e|^2 e, and fourths + 4 e'Se + n |e|^4 + 4 e'cubes + 2 |e|^2 tr(S).
 */
interface HighMoments {
  count: number
  trace: number
  /** S e */
  times: (shift: Tensor) => Tensor
  cubes: Tensor
  fourths: number
}

function shifted({ count, trace, times, cubes, fourths }: HighMoments, shift: Tensor): HighMoments {
  const along = times(shift)
  const square = dot(shift, shift)
  return {
    count,
    trace,
    times,
    cubes: cubes.add(shift.mul(trace + count * square)).add(along.mul(2)),
    fourths:
      fourths + 4 * dot(shift, along) + count * square ** 2 + 4 * dot(shift, cubes) + 2 * square * trace,
  }
}

const dot = (a: Tensor, b: Tensor): number => aten.dot.default(a, b).item()

export class GaussianStatistics {
  readonly labels: number
  readonly features: number
  readonly kind: CovarianceKind
  /** Images of each value of each label, [2, C]. */
  readonly #counts: Float64Array<ArrayBuffer>
  /** Of each value of each label, [2, C, D]. */
  readonly #means: Tensor
  /** S, or its diagonal: [2, C, D, D] or [2, C, D]. */
  readonly #scatter: Tensor
  /** [2, C, D], for `shrunk`. */
  readonly #cubes: Tensor | null
  /** [2, C], for `shrunk`. */
  readonly #fourths: Float64Array<ArrayBuffer>

  constructor(labels: number, features: number, kind: CovarianceKind) {
    this.labels = labels
    this.features = features
    this.kind = kind
    const make = (...shape: number[]): Tensor => keep(zeros([2, labels, ...shape], { dtype: 'float64' }))
    this.#counts = new Float64Array(2 * labels)
    this.#fourths = new Float64Array(2 * labels)
    this.#means = make(features)
    this.#scatter = kind === 'diagonal' ? make(features) : make(features, features)
    this.#cubes = kind === 'shrunk' ? make(features) : null
  }

  /**
   * Adds the images of a batch, each to the labels whose value is known to be 0 or 1.
   *
   * @param features [N, C, D], or [N, 1, D] where all labels share them
   * @param targets [N, C], row by row
   */
  add(features: Tensor, targets: ArrayLike<number>): void {
    noGrad(() =>
      scope(() => {
        const values = features.detach().to({ device: 'cpu', dtype: 'float64' })
        const shared = values.size(1) === 1
        for (let label = 0; label < this.labels; label++) {
          const own = values.select(1, shared ? 0 : label)
          for (const value of [0, 1] as const) {
            const rows = rowsWith(targets, this.labels, label, value)
            if (rows.length > 0)
              scope(() => this.#merge(value, label, own.indexSelect(0, fromTypedArray(rows))))
          }
        }
      }),
    )
  }

  /** @param x [n, D] */
  #merge(value: 0 | 1, label: number, x: Tensor): void {
    const at = this.#at(value, label)
    const added = x.size(0)
    const before = this.#counts[at]
    const count = before + added
    const mean = this.#means.select(0, value).select(0, label)
    const scatter = this.#scatter.select(0, value).select(0, label)
    const batchMean = x.mean(0)
    const deviations = x.sub(batchMean)
    const shift = batchMean.sub(mean)
    if (this.#cubes) {
      this.#mergeHighMoments(at, this.#cubes.select(0, value).select(0, label), scatter, deviations, shift)
    }
    const weight = (before * added) / count
    if (this.kind === 'diagonal') {
      scatter.add_(deviations.mul(deviations).sum(0)).add_(shift.mul(shift), weight)
    } else {
      // The shift as one more row: the covariance passes through memory once.
      const rows = cat([deviations, shift.mul(Math.sqrt(weight)).unsqueeze(0)])
      aten.addmm_.default(scatter, rows.transpose(0, 1), rows)
    }
    mean.add_(shift, added / count)
    this.#counts[at] = count
  }

  /** Before the scatter is merged: the moments of both parts, moved to the common mean. */
  #mergeHighMoments(at: number, cubes: Tensor, scatter: Tensor, deviations: Tensor, shift: Tensor): void {
    const before = this.#counts[at]
    const added = deviations.size(0)
    const share = added / (before + added)
    const squares = deviations.mul(deviations).sum(1)
    const batch: HighMoments = {
      count: added,
      trace: squares.sum().item(),
      times: (e) => deviations.transpose(0, 1).matmul(deviations.matmul(e)),
      cubes: deviations.transpose(0, 1).matmul(squares),
      fourths: dot(squares, squares),
    }
    const own: HighMoments = {
      count: before,
      trace: aten.trace.default(scatter).item(),
      times: (e) => scatter.matmul(e),
      cubes,
      fourths: this.#fourths[at],
    }
    const parts = [shifted(own, shift.mul(-share)), shifted(batch, shift.mul(1 - share))]
    cubes.copy_(parts[0].cubes.add(parts[1].cubes))
    this.#fourths[at] = parts[0].fourths + parts[1].fourths
  }

  /** Images with this value of this label. */
  count(value: 0 | 1, label: number): number {
    return this.#counts[this.#at(value, label)]
  }

  /** [D], float64. */
  mean(value: 0 | 1, label: number): Tensor {
    return this.#means.select(0, value).select(0, label)
  }

  /**
   * Divided by n - 1 as in the paper, by n for `shrunk` as in its source; float64. Needs two images.
   *
   * @returns [D] for `diagonal`, else [D, D]
   */
  covariance(value: 0 | 1, label: number): Tensor {
    const scatter = this.#scatter.select(0, value).select(0, label)
    const count = this.count(value, label)
    if (this.kind !== 'shrunk') return scatter.div(count - 1)
    return scope(() => {
      const covariance = scatter.div(count)
      const shrinkage = this.shrinkage(value, label)
      const meanVariance = aten.trace.default(covariance).item() / this.features
      covariance.mul_(1 - shrinkage)
      aten.diagonal.default(covariance).add_(shrinkage * meanVariance)
      return covariance
    })
  }

  /**
   * How far Ledoit and Wolf draw the covariance K towards m I, m = tr(K) / D:
   * min(b, d) / d with d = |K - m I|^2 and b = (1 / n) sum |y y' - K|^2 / n, of `shrunk` alone.
   */
  shrinkage(value: 0 | 1, label: number): number {
    return scope(() => {
      const count = this.count(value, label)
      const covariance = this.#scatter.select(0, value).select(0, label).div(count)
      const trace = aten.trace.default(covariance).item()
      const norm = covariance.mul(covariance).sum().item()
      const distance = norm - trace ** 2 / this.features
      const spread = (this.#fourths[this.#at(value, label)] / count - norm) / count
      return distance > 0 ? Math.max(0, Math.min(spread, distance)) / distance : 0
    })
  }

  /** The tensors themselves and copies of the numbers, for checkpoints. */
  stateDict(): Map<string, Tensor> {
    return new Map([
      ['counts', fromTypedArray(this.#counts)],
      ['means', this.#means],
      ['scatter', this.#scatter],
      ...(this.#cubes ? ([['cubes', this.#cubes]] as const) : []),
      ['fourths', fromTypedArray(this.#fourths)],
    ])
  }

  loadStateDict(state: ReadonlyMap<string, Tensor>): void {
    const of = (key: string): Tensor => {
      const tensor = state.get(key)
      if (!tensor) throw new TypeError(`there is no '${key}' in it`)
      return tensor
    }
    this.#counts.set(of('counts').toTypedArray() as Float64Array)
    this.#fourths.set(of('fourths').toTypedArray() as Float64Array)
    this.#means.copy_(of('means'))
    this.#scatter.copy_(of('scatter'))
    if (this.#cubes) this.#cubes.copy_(of('cubes'))
  }

  dispose(): void {
    for (const tensor of [this.#means, this.#scatter, this.#cubes]) tensor?.dispose()
  }

  #at(value: 0 | 1, label: number): number {
    return value * this.labels + label
  }
}

/** The images in which this label has this value. */
function rowsWith(
  targets: ArrayLike<number>,
  labels: number,
  label: number,
  value: number,
): BigInt64Array<ArrayBuffer> {
  const rows: bigint[] = []
  for (let at = label, row = 0; at < targets.length; at += labels, row++) {
    if (targets[at] === value) rows.push(BigInt(row))
  }
  return BigInt64Array.from(rows)
}
