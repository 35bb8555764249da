/** What a batch has beside its pixels, for heads that use it. */
import { fromTypedArray, type Tensor } from '@plurad/torch'
import type { Metadata } from '../data/dataset.js'
import type { Random } from '../data/random.js'
import type { Head, HeadOutput } from '../models/head.js'
import { METADATA_FEATURES, metadataFeatures } from '../models/metadata.js'

/** Age, sex and view of a batch, [N, METADATA_FEATURES], for heads that want them; else null. */
export function metadataInput(
  head: Head,
  samples: readonly { metadata: Metadata }[],
  indices: ArrayLike<number> & Iterable<number>,
  device: string,
): Tensor | null {
  if (!head.wantsMetadata) return null
  const values = Float32Array.from([...indices].flatMap((index) => metadataFeatures(samples[index].metadata)))
  return fromTypedArray(values, [indices.length, METADATA_FEATURES], { device })
}

/** C-Tran's label-mask training hides at least this share of an image's labels. */
const LEAST_HIDDEN = 0.25

/**
 * Shows some of each image's known labels, so that a head learns to lean on them: between none and three quarters, by lot.
 * What is shown is unknown to the loss.
 *
 * @param targets [N, labels], 1, 0, NaN for unknown; the shown ones become NaN
 * @returns [N, labels]: the shown ones, NaN elsewhere
 */
export function revealLabels(targets: Float32Array, labels: number, random: Random): Float32Array {
  const known = new Float32Array(targets.length).fill(NaN)
  for (let start = 0; start < targets.length; start += labels) {
    const hidden = LEAST_HIDDEN + (1 - LEAST_HIDDEN) * random.next()
    for (let at = start; at < start + labels; at++) {
      if (random.next() < hidden) continue
      known[at] = targets[at]
      targets[at] = NaN
    }
  }
  return known
}

/** What a loss uses of a head's output beside its logits, in single precision. */
export function inSinglePrecision(output: HeadOutput): HeadOutput {
  const { similarities } = output
  return similarities === undefined ? output : { ...output, similarities: similarities.float() }
}
