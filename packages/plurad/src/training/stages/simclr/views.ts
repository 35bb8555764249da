/** Two views of every image: the same picture, changed at random twice. */
import { Augmenter } from '../../../data/augment/augment.js'
import { loadedFor } from '../../../data/augment/steps.js'
import type { Batch } from '../../../data/loader.js'
import { preprocessingOf } from '../../../data/preprocessing.js'
import { Random } from '../../../data/random.js'
import type { Recipe } from '../../../recipe/schema.js'

/** Keeps the random numbers of views apart from those of training on labels. */
const VIEWS = 0x766965

export class Views {
  readonly #augmenter: Augmenter
  readonly #seed: number

  /** @param recipe whose augmentation makes a view */
  constructor({ augmentation, data, training }: Recipe) {
    const { size } = loadedFor(augmentation, preprocessingOf(data))
    this.#augmenter = new Augmenter(augmentation, { channels: data.channels, size, target: data.size })
    this.#seed = training.seed
  }

  /**
   * The random numbers are of the image, the view and the key alone, so that they are the same whenever a batch comes up.
   *
   * @param batch of the loader for the recipe
   * @param key tells one epoch's views from another's
   * @returns [2N, planes, size, size]: the first views of all images, then the second in the same order
   */
  of({ indices, pixels }: Batch, key: number): Float32Array<ArrayBuffer> {
    const length = pixels.length / indices.length
    const views = [0, 1].flatMap((view) =>
      Array.from(indices, (index, row) =>
        this.#augmenter.apply(
          pixels.subarray(row * length, (row + 1) * length),
          new Random(VIEWS, this.#seed, key, index, view),
        ),
      ),
    )
    const all = new Float32Array(views.reduce((total, view) => total + view.length, 0))
    views.forEach((view, at) => all.set(view, at * view.length))
    return all
  }
}
