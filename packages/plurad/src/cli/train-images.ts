/** What a training run takes its images from, checked before anything begins. */
import { loadedFor } from '../data/augment/steps.js'
import type { Dataset } from '../data/dataset.js'
import { assertUsable, rootOf, type PackSource } from '../data/pack/open.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { assertImagesFit, mostImages } from '../data/source.js'
import { RecipeError } from '../errors.js'
import type { Recipe } from '../recipe/schema.js'

/** @throws DataError, RecipeError where samples and recipe disagree about the images of a sample */
export function checkImages({ samples }: Dataset, { data: { images } }: Recipe): void {
  assertImagesFit(samples, images, 'set data.images: {}')
  const most = mostImages(samples)
  if (most < images) {
    throw new RecipeError(
      `data.images is ${images}, but no sample of the data set has more than ${most}: the others would be black ` +
        `everywhere. Set data.images: ${most}.`,
    )
  }
}

/**
 * The recipe's pack; null for none.
 *
 * @param location of the data set
 * @throws DataError where there is no pack, or one with other pixels than the recipe asks for
 */
export function choosePack({ data, augmentation }: Recipe, location: string): PackSource | null {
  if (data.pack === null) return null
  assertUsable(data.pack, loadedFor(augmentation, preprocessingOf(data)))
  return { folder: data.pack, root: rootOf(location) }
}
