/**
 * Whether an image is of a kind that a model knows: the Mahalanobis distance of its pooled last features, brought to length
 * 1, from those of the training images (Lee et al. 2018, "A simple unified framework for detecting out-of-distribution
 * samples"; length 1: Mueller and Hein 2025, "Mahalanobis++"). Of the covariance the leading axes are kept and one variance
 * for all others (Tipping and Bishop 1999), so that it takes little room in a model file.
 */
import { z } from 'zod'
import { DataError } from '../errors.js'

/** The key of a model file's metadata. */
export const KNOWN_KIND_KEY = 'plurad.known_kind'

/** How far an image is from what a model was trained on. */
export interface OutOfDistribution {
  /**
   * Distance from the training images, in units of that which 99 of 100 validation images keep below: above 1 it is
   * unusual, far above 1 the model's numbers mean nothing.
   */
  score: number
  /** Per cent of the validation images that are nearer, [0, 100]. */
  percentile: number
}

const knownKindSchema = z.object({
  method: z.literal('mahalanobis'),
  /** Images that it was fitted to, and those that the percentiles are of. */
  training: z.int(),
  validation: z.int(),
  /** Mean of the features of length 1 [D], single precision in base64. */
  mean: z.string(),
  /** Orthonormal leading axes [K, D], likewise. */
  axes: z.string(),
  /** Variance along each axis [K], and along every other direction. */
  variances: z.array(z.number().positive()),
  rest: z.number().positive(),
  /** Distances of the validation images at 0, 1 … 100 per cent. */
  percentiles: z.array(z.number()).length(101),
})

/** As a model file holds it. */
export type KnownKindFile = z.infer<typeof knownKindSchema>

/** The kind of image that a model knows. */
export class KnownKind {
  /** Features an image, D. */
  readonly features: number
  readonly #file: KnownKindFile
  readonly #mean: Float32Array
  readonly #axes: Float32Array

  /** @throws RangeError where its numbers do not fit together */
  constructor(file: KnownKindFile) {
    this.#file = file
    this.#mean = decodeFloats(file.mean)
    this.#axes = decodeFloats(file.axes)
    this.features = this.#mean.length
    if (this.#axes.length !== file.variances.length * this.features)
      throw new RangeError(
        `axes of ${this.#axes.length} numbers, where ${file.variances.length} x ${this.features} are expected`,
      )
  }

  /** @param text the metadata's value; null where the file has none */
  static parse(text: string | undefined, file: string): KnownKind | null {
    if (text === undefined) return null
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      value = null
    }
    const parsed = knownKindSchema.safeParse(value)
    try {
      if (parsed.success) return new KnownKind(parsed.data)
    } catch {
      // Said below, with the file.
    }
    throw new DataError(
      `${file}: the description of the images that it knows is damaged (metadata key '${KNOWN_KIND_KEY}'). Export it again.`,
    )
  }

  /**
   * `sqrt(sum_k (a_k . u)^2 / v_k + |u - projection|^2 / rest)` with `u = f / |f| - mean`.
   *
   * @param features [D], pooled over the image
   */
  distance(features: ArrayLike<number>): number {
    const { variances, rest } = this.#file
    const centred = unitLength(features)
    for (let i = 0; i < centred.length; i++) centred[i] -= this.#mean[i]
    let left = squared(centred)
    let sum = 0
    variances.forEach((variance, axis) => {
      let along = 0
      for (let i = 0, at = axis * centred.length; i < centred.length; i++)
        along += this.#axes[at++] * centred[i]
      sum += along ** 2 / variance
      left -= along ** 2
    })
    return Math.sqrt(sum + Math.max(0, left) / rest)
  }

  judge(distance: number): OutOfDistribution {
    const { percentiles } = this.#file
    return { score: distance / percentiles[99], percentile: percentileOf(distance, percentiles) }
  }
}

/** Straight lines between the per cents. */
function percentileOf(distance: number, percentiles: readonly number[]): number {
  const above = percentiles.findIndex((value) => value > distance)
  if (above < 0) return 100
  if (above === 0) return 0
  const [low, high] = [percentiles[above - 1], percentiles[above]]
  return above - 1 + (distance - low) / (high - low)
}

/** Of several models; null where one does not say. */
export function meanOutOfDistribution(each: readonly (OutOfDistribution | null)[]): OutOfDistribution | null {
  const known = each.filter((one) => one !== null)
  if (known.length < each.length || known.length === 0) return null
  const mean = (of: (one: OutOfDistribution) => number): number =>
    known.reduce((sum, one) => sum + of(one), 0) / known.length
  return { score: mean(({ score }) => score), percentile: mean(({ percentile }) => percentile) }
}

/**
 * The mean over positions of a feature map.
 *
 * @param map [count, channels, …positions]
 * @returns [count, channels]
 */
export function poolFeatures(map: ArrayLike<number>, count: number, channels: number): Float64Array {
  const pooled = new Float64Array(count * channels)
  const positions = map.length / pooled.length
  for (let row = 0, at = 0; row < pooled.length; row++) {
    let sum = 0
    for (let i = 0; i < positions; i++) sum += map[at++]
    pooled[row] = sum / positions
  }
  return pooled
}

/** Features without any length, of an image that excites nothing, stay at the origin. */
export function unitLength(features: ArrayLike<number>): Float64Array {
  const vector = Float64Array.from(features)
  const length = Math.sqrt(squared(vector))
  return length > 0 ? vector.map((value) => value / length) : vector
}

function squared(vector: Float64Array): number {
  return vector.reduce((sum, value) => sum + value * value, 0)
}

/** Little-endian single precision in base64, both ways. */
export function encodeFloats(values: ArrayLike<number>): string {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i], true)
  const bytes = new Uint8Array(view.buffer)
  let text = ''
  // In pieces: a call takes so many arguments only.
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(text)
}

function decodeFloats(text: string): Float32Array {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => view.getFloat32(4 * i, true))
}
