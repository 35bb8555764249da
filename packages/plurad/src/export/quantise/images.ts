/** Images as the graph takes them. */
import { ImageLoader } from '../../data/loader.js'
import { preprocessingOf } from '../../data/preprocessing.js'
import { Random, shuffled } from '../../data/random.js'
import type { ImageSource } from '../../data/source.js'
import { METADATA_FEATURES } from '../../models/metadata.js'
import type { ModelInfo } from '../../models/model-info.js'
import type { NamedTensor } from '../../predict/runtime.js'

export type Feeds = Record<string, NamedTensor>

/** Positions of so many, the same every time. */
export function chosen(items: readonly unknown[], most: number): number[] {
  const all = items.map((_, i) => i)
  return all.length <= most ? all : shuffled(all, new Random(0)).slice(0, most)
}

/**
 * What the graph takes, for the images that can be read.
 *
 * @param withMetadata whether age, sex and view are among its inputs: all unknown, as in prediction
 */
export async function* batchesOf(
  sources: readonly ImageSource[],
  order: readonly number[],
  info: ModelInfo,
  batch: number,
  withMetadata: boolean,
): AsyncGenerator<{ feeds: Feeds; indices: number[] }> {
  const loader = new ImageLoader({ ...preprocessingOf(info), workers: 1, cacheBytes: 0, strict: false })
  try {
    for await (const { indices, pixels } of loader.batches(sources, order, batch)) {
      const count = indices.length
      if (count === 0) continue
      const { size, channels, images } = info
      yield {
        indices: [...indices],
        feeds: {
          pixels: { data: pixels, dims: [count, channels * images, size, size] },
          ...(withMetadata
            ? {
                metadata: {
                  data: new Float32Array(count * METADATA_FEATURES),
                  dims: [count, METADATA_FEATURES],
                },
              }
            : {}),
        },
      }
    }
  } finally {
    await loader.close()
  }
}
