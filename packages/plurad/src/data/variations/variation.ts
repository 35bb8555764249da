/** The images of a test seen otherwise: corrupted, or as several views whose scores are averaged. */
import { Random } from '../random.js'
import { viewsOf } from './views.js'

/** Plain data: it travels to the engine's thread. */
export type VariationSpec =
  | {
      kind: 'corruption'
      /** Of `corruptions/registry.ts`. */
      name: string
      /** From 1 on. */
      severity: number
    }
  | {
      kind: 'views'
      /** Of `viewSets`. */
      names: readonly string[]
    }

/** One batch as the loader gives it. */
export interface VariedBatch {
  /** [n, planes, size, size] in [0, 1], left as it is. */
  pixels: Float32Array
  size: number
  /** Of one image: 1 grey, 3 red-green-blue. */
  channels: number
  /** [n] the samples' numbers, which random changes depend on and on nothing else. */
  indices: ArrayLike<number>
}

/** Keeps the random numbers of corruptions apart from all others. */
const CORRUPTION = 0x636f7272

/** Whether the scores of the images as they are count in the mean as well. */
export function countsPlain({ kind }: VariationSpec): boolean {
  return kind === 'views'
}

/** The batch's versions, one after the other; the mean of their scores is the variation's. */
export async function* versionsOf(
  spec: VariationSpec,
  batch: VariedBatch,
): AsyncGenerator<Float32Array<ArrayBuffer>> {
  const { pixels, size, channels, indices } = batch
  if (spec.kind === 'views') {
    yield* viewsOf(spec.names, pixels, size)
    return
  }
  const { corruptions } = await import('./corruptions/registry.js')
  const corruption = corruptions.find(({ name }) => name === spec.name)
  const amount = corruption?.amounts[spec.severity - 1]
  if (corruption === undefined || amount === undefined)
    throw new RangeError(`There is no corruption '${spec.name}' of severity ${spec.severity}`)
  const changed = new Float32Array(pixels)
  const length = pixels.length / indices.length
  const key = corruptions.indexOf(corruption)
  for (let row = 0; row < indices.length; row++) {
    const sample = changed.subarray(row * length, (row + 1) * length)
    const random = new Random(CORRUPTION, key, spec.severity, indices[row])
    await corruption.apply({ pixels: sample, size, channels }, amount, random)
  }
  yield changed
}

/** The mean of several scores of the same images, [n] each. */
export function meanScores(seen: readonly Float64Array[]): Float64Array {
  if (seen.length === 1) return seen[0]
  return seen[0].map((_, at) => seen.reduce((sum, scores) => sum + scores[at], 0) / seen.length)
}
