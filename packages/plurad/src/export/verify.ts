/** Holds an exported graph against the network that it was made from. */
import { fromTypedArray, noGrad, rand, randn, scope, type Tensor } from '@plurad/torch'
import type { Classifier } from '../models/classifier.js'
import { METADATA_FEATURES } from '../models/metadata.js'
import { ExportError } from '../errors.js'
import type { NamedTensor, Session } from '../predict/runtime.js'

/** Largest difference in probability between training, Node and browser. */
const TOLERANCE = 1e-4

/** One image and an odd number of them: no batch of the trace. */
const CHECKED_BATCHES = [1, 7] as const

/** Images that are looked at. */
export const CHECKED_IMAGES = 8

/**
 * The largest difference in probability over batches of 1 and 7 images.
 *
 * @param images pixels in [0, 1] of `CHECKED_IMAGES` images, as preprocessing gives them; null for random ones
 * @throws ExportError where it is more than 1e-4 or not a number
 */
export async function verifySession(
  model: Classifier,
  session: Session,
  images: Float32Array | null = null,
): Promise<number> {
  let largest = 0
  let from = 0
  for (const batch of CHECKED_BATCHES) {
    const each = (images?.length ?? 0) / CHECKED_IMAGES
    const { feeds, expected } = reference(model, batch, images?.slice(from * each, (from + batch) * each))
    from += batch
    const { probabilities } = await session.run(feeds, ['probabilities'])
    for (const [i, value] of probabilities.data.entries()) {
      const difference = Math.abs(value - expected[i])
      // NaN compares as no difference otherwise.
      largest = Number.isNaN(difference) ? NaN : Math.max(largest, difference)
    }
    if (!(largest <= TOLERANCE) || probabilities.data.length !== expected.length) {
      throw new ExportError(
        `The exported model does not give the network's probabilities: for a batch of ${batch} they differ by up to ` +
          `${largest} (allowed: ${TOLERANCE}). Nothing was written.`,
      )
    }
  }
  return largest
}

/** What libtorch says to a batch. */
function reference(
  model: Classifier,
  batch: number,
  images: Float32Array | undefined,
): { feeds: Record<string, NamedTensor>; expected: Float32Array } {
  const { inChannels, size, mean, std } = model.settings
  const dims = [batch, inChannels, ...new Array<number>(model.backbone.dims).fill(size)]
  return noGrad(() =>
    scope(() => {
      const pixels = images === undefined ? rand(dims) : fromTypedArray(images, dims)
      const perChannel = (values: readonly number[]): Tensor =>
        fromTypedArray(Float32Array.from(values), [1, inChannels, ...dims.slice(2).map(() => 1)])
      const metadata = model.head.wantsMetadata ? randn([batch, METADATA_FEATURES]) : null
      const normalised = pixels.sub(perChannel(mean)).div(perChannel(std))
      const expected = model.forward(normalised, { metadata }).sigmoid().toTypedArray() as Float32Array
      const feed = (tensor: Tensor): NamedTensor => ({
        data: tensor.toTypedArray() as Float32Array,
        dims: tensor.shape,
      })
      return { feeds: { pixels: feed(pixels), ...(metadata && { metadata: feed(metadata) }) }, expected }
    }),
  )
}
