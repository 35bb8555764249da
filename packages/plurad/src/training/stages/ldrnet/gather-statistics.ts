/** One pass over images, without augmentation and in single precision, that adds their features to the statistics. */
import { noGrad, scope } from '@plurad/torch'
import type { ImageLoader } from '../../../data/loader.js'
import { sourceOf } from '../../../data/source.js'
import type { Classifier } from '../../../models/classifier.js'
import { pixelsToTensor, targetsOf, type Placement } from '../../batches.js'
import type { TrainingSample } from '../../job.js'
import { metadataInput } from '../../side-input.js'
import { classFeatures } from './class-features.js'
import type { GaussianStatistics } from './gaussian-statistics.js'

export interface GatherOptions {
  size: number
  batchSize: number
  placement: Placement
  /** The batch to begin with. */
  startBatch: number
  /** After each batch; true ends the work early. */
  onBatch: (batches: number, images: number) => boolean
}

/** @returns whether it is at its end */
export async function gatherStatistics(
  model: Classifier,
  loader: ImageLoader,
  samples: readonly TrainingSample[],
  statistics: GaussianStatistics,
  { size, batchSize, placement, startBatch, onBatch }: GatherOptions,
): Promise<boolean> {
  const order = samples.map((_, i) => i)
  let batches = startBatch
  model.eval()
  for await (const batch of loader.batches(samples.map(sourceOf), order, batchSize, {
    startBatch,
    reuse: true,
  })) {
    if (batch.indices.length > 0) {
      noGrad(() =>
        scope(() => {
          const pixels = pixelsToTensor(batch, size, model.settings, placement)
          const metadata = metadataInput(model.head, samples, batch.indices, placement.device)
          const { features } = classFeatures(model, pixels, { metadata })
          statistics.add(features, targetsOf(batch, samples, statistics.labels))
        }),
      )
    }
    batches++
    if (onBatch(batches, Math.min(batches * batchSize, samples.length))) return false
    // Lets messages out and the loader in.
    await new Promise(setImmediate)
  }
  return true
}
