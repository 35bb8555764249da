/** What a model file says of the images that it knows: fitted to those that it was made from. */
import { ImageLoader } from '../data/loader.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { Random, shuffled } from '../data/random.js'
import type { ImageSource } from '../data/source.js'
import type { OnnxModel } from '../predict/onnx-model.js'
import {
  encodeFloats,
  KnownKind,
  poolFeatures,
  unitLength,
  type KnownKindFile,
} from '../predict/out-of-distribution.js'
import { principalAxes } from './principal-axes.js'

/** Images that a model was made from. */
export interface RunImages {
  training: readonly ImageSource[]
  validation: readonly ImageSource[]
}

/** More change nothing that is seen in the distances, and every one takes a forward pass. */
const MOST_TRAINING = 1000
const MOST_VALIDATION = 500

/** Fewer say nothing of what is usual. */
const LEAST_TRAINING = 20
const LEAST_VALIDATION = 10

/** Axes of the covariance that are kept. More find no more, and each takes the room of another mean. */
const AXES = 32

const BATCH = 16

export interface FitOptions {
  /** Threads that decode. */
  workers?: number
  onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Looks at a model's training and validation images through the model itself.
 *
 * @returns null where too few of them can be read
 */
export async function fitKnownKind(
  model: OnnxModel,
  images: RunImages,
  { workers = 1, onProgress }: FitOptions = {},
): Promise<KnownKindFile | null> {
  const training = some(images.training, MOST_TRAINING)
  const validation = some(images.validation, MOST_VALIDATION)
  if (training.length < LEAST_TRAINING || validation.length < LEAST_VALIDATION) return null
  const total = training.length + validation.length
  const seen = await featuresOf(model, [...training, ...validation], workers, (done) =>
    onProgress?.(done, total),
  )
  const of = (from: number, to: number): Float64Array[] =>
    [...seen].flatMap(([index, features]) => (index >= from && index < to ? [features] : []))
  const [known, unseen] = [of(0, training.length), of(training.length, total)]
  if (known.length < LEAST_TRAINING || unseen.length < LEAST_VALIDATION) return null
  return knownKindOf(known, unseen)
}

/**
 * @param training pooled features of images that the model was made from, [N] of [D]
 * @param validation of images that it was not made from, on which it is known what is usual
 */
export function knownKindOf(
  training: readonly Float64Array[],
  validation: readonly Float64Array[],
): KnownKindFile {
  const units = training.map(unitLength)
  const count = Math.min(AXES, Math.floor(training.length / 4), training[0].length - 1)
  const { mean, axes, variances, rest } = principalAxes(units, count)
  const largest = variances[0] ?? 1
  const file: KnownKindFile = {
    method: 'mahalanobis',
    training: training.length,
    validation: validation.length,
    mean: encodeFloats(mean),
    axes: encodeFloats(axes.flatMap((axis) => [...axis])),
    variances,
    // Of images that all lie on the axes nothing is left, and nothing can be divided by.
    rest: Math.max(rest, 1e-9 * largest),
    percentiles: new Array<number>(101).fill(0),
  }
  const kind = new KnownKind(file)
  const distances = validation.map((features) => kind.distance(features)).sort((a, b) => a - b)
  return { ...file, percentiles: file.percentiles.map((_, percent) => quantile(distances, percent / 100)) }
}

/** Straight lines between the sorted values, as NumPy's `quantile`. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const low = Math.floor(at)
  const high = Math.min(low + 1, sorted.length - 1)
  return sorted[low] + (at - low) * (sorted[high] - sorted[low])
}

/** Pooled features [D] by the sources' positions; without those that cannot be read. */
async function featuresOf(
  model: OnnxModel,
  sources: readonly ImageSource[],
  workers: number,
  onProgress: (done: number) => void,
): Promise<Map<number, Float64Array>> {
  const features = new Map<number, Float64Array>()
  const loader = new ImageLoader({ ...preprocessingOf(model.info), workers, cacheBytes: 0, strict: false })
  try {
    const order = sources.map((_, i) => i)
    let done = 0
    for await (const { indices, pixels, failed } of loader.batches(sources, order, BATCH, { reuse: true })) {
      if (indices.length > 0) {
        const { features: map } = await model.run(pixels, indices.length, ['features'])
        const pooled = poolFeatures(map.data, indices.length, map.dims[1])
        indices.forEach((index, row) =>
          features.set(index, pooled.slice(row * map.dims[1], (row + 1) * map.dims[1])),
        )
      }
      done += indices.length + failed.length
      onProgress(done)
    }
    return features
  } finally {
    await loader.close()
  }
}

/** The same ones every time. */
function some<T>(items: readonly T[], most: number): T[] {
  return items.length <= most ? [...items] : shuffled(items, new Random(0)).slice(0, most)
}
