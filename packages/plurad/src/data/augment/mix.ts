/**
 * Augmentation of whole batches: images and their labels are mixed with those of another batch. A label that is unknown in
 * one of the two is unknown in the mixture.
 */
import { z } from 'zod'
import { shuffled, type Random } from '../random.js'

/** The recipe's `mixing`. */
export const mixingSchema = z.strictObject({
  /** balanced_mixup mixes with a second batch, whose images are drawn class by class. */
  name: z.enum(['mixup', 'cutmix', 'balanced_mixup']),
  /**
   * Shares are drawn from Beta(alpha, alpha), that of the second batch of balanced_mixup from Beta(alpha, 1): the smaller, the
   * nearer to the original images.
   */
  alpha: z.number().positive().default(0.2),
  /** How many of the batches, in [0, 1]. */
  p: z.number().min(0).max(1).default(1),
})

export type Mixing = z.infer<typeof mixingSchema>

/** Images with their labels. */
export interface LabelledBatch {
  /** [N, channels, size, size] */
  pixels: Float32Array<ArrayBuffer>
  /** [N, C]; in [0, 1], NaN where unknown. */
  targets: Float32Array<ArrayBuffer>
}

/**
 * Beta(a, b), by two gamma variates. MixUp and CutMix draw from Beta(a, a); Balanced-MixUp (Galdran et al., 2021) draws the
 * share of the class-balanced batch from Beta(a, 1).
 */
export function drawBeta(random: Random, a: number, b: number): number {
  const [x, y] = [drawGamma(random, a), drawGamma(random, b)]
  // Both can vanish for small parameters, where the distribution is all but two points.
  return x + y > 0 ? x / (x + y) : Number(random.chance(a / (a + b)))
}

/** Gamma(shape, 1), by Marsaglia and Tsang (2000). */
function drawGamma(random: Random, shape: number): number {
  if (shape < 1) return drawGamma(random, shape + 1) * (1 - random.next()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = random.normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Mixes a batch with itself in another order, with one share for all of it. */
export function mix(
  batch: LabelledBatch,
  count: number,
  { name, alpha, p }: Mixing,
  size: number,
  random: Random,
): LabelledBatch {
  if (name === 'balanced_mixup') throw new TypeError('balanced_mixup mixes with a second batch: mixBalanced')
  if (!random.chance(p)) return batch
  const share = drawBeta(random, alpha, alpha)
  const other = reordered(
    batch,
    shuffled(
      Array.from({ length: count }, (_, at) => at),
      random,
    ),
  )
  return name === 'mixup' ? mixUp(batch, other, share) : cutMix(batch, other, share, size, random)
}

/**
 * Balanced-MixUp (Galdran et al., MICCAI 2021, arXiv:2109.09850): every image is mixed with one that was drawn class by class,
 * whose share comes from Beta(alpha, 1), mostly small. A second batch of fewer images, since some could not be read, is gone
 * through again from its start; without any image nothing is mixed.
 *
 * @param count images of `batch`
 * @param balanced the second batch, of `balancedCount` images
 */
export function mixBalanced(
  batch: LabelledBatch,
  count: number,
  balanced: LabelledBatch,
  balancedCount: number,
  { alpha, p }: Pick<Mixing, 'alpha' | 'p'>,
  random: Random,
): LabelledBatch {
  if (!random.chance(p) || balancedCount === 0) return batch
  const share = drawBeta(random, alpha, 1)
  const rows = Array.from({ length: count }, (_, at) => at % balancedCount)
  return mixUp(reordered(balanced, rows, balancedCount), batch, share)
}

/**
 * The same batch with its images in another order: `order[i]` is the one that becomes the i-th. Some may come up again, others
 * not at all.
 *
 * @param count images of the batch
 */
export function reordered(
  batch: LabelledBatch,
  order: readonly number[],
  count = order.length,
): LabelledBatch {
  const rows = (values: Float32Array): Float32Array<ArrayBuffer> => {
    const length = values.length / count
    const result = new Float32Array(order.length * length)
    order.forEach((from, to) => result.set(values.subarray(from * length, (from + 1) * length), to * length))
    return result
  }
  return { pixels: rows(batch.pixels), targets: rows(batch.targets) }
}

/**
 * MixUp (Zhang et al., 2018, arXiv:1710.09412): `share * batch + (1 - share) * other`, images and labels. With a batch that was
 * drawn evenly over the classes as `batch` and one drawn evenly over the images as `other` it is Balanced-MixUp.
 *
 * @param share of `batch`, in [0, 1]
 */
export function mixUp(batch: LabelledBatch, other: LabelledBatch, share: number): LabelledBatch {
  checkPartners(batch, other)
  return {
    pixels: weighted(batch.pixels, other.pixels, share),
    targets: weighted(batch.targets, other.targets, share),
  }
}

/**
 * CutMix (Yun et al., 2019, arXiv:1905.04899): a rectangle of area `1 - share` of each image comes from the other batch, at the same
 * place in all of them. Its middle lies anywhere, and what of it is beyond the border is lost; labels are mixed by the area
 * that is really covered.
 *
 * @param share of `batch`, in [0, 1]
 */
export function cutMix(
  batch: LabelledBatch,
  other: LabelledBatch,
  share: number,
  size: number,
  random: Random,
): LabelledBatch {
  checkPartners(batch, other)
  const side = Math.trunc(size * Math.sqrt(1 - share))
  const along = (): [number, number] => {
    const start = random.integer(size) - Math.floor(side / 2)
    return [Math.max(0, start), Math.min(size, start + side)]
  }
  const [left, right] = along()
  const [top, bottom] = along()
  const pixels = batch.pixels.slice()
  for (let start = 0; start < pixels.length; start += size * size) {
    for (let y = top; y < bottom; y++) {
      const from = start + y * size + left
      pixels.set(other.pixels.subarray(from, from + right - left), from)
    }
  }
  const covered = ((right - left) * (bottom - top)) / (size * size)
  return { pixels, targets: weighted(batch.targets, other.targets, 1 - covered) }
}

/** `share * a + (1 - share) * b`; NaN of one with a share of its own stays NaN. */
function weighted(a: Float32Array, b: Float32Array, share: number): Float32Array<ArrayBuffer> {
  if (share === 1) return Float32Array.from(a)
  if (share === 0) return Float32Array.from(b)
  const rest = 1 - share
  const result = new Float32Array(a.length)
  for (let at = 0; at < a.length; at++) result[at] = share * a[at] + rest * b[at]
  return result
}

function checkPartners(batch: LabelledBatch, other: LabelledBatch): void {
  if (batch.pixels.length !== other.pixels.length || batch.targets.length !== other.targets.length) {
    throw new RangeError(
      `A batch of ${batch.pixels.length} pixels and ${batch.targets.length} labels cannot be mixed with one of ` +
        `${other.pixels.length} and ${other.targets.length}`,
    )
  }
}
