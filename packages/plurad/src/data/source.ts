/** Which files a sample's pixels come from. */
import { DataError } from '../errors.js'
import type { Sample } from './dataset.js'

/** An image reference; for a sample of several images one each, '' for one that is missing. */
export type ImageSource = string | readonly string[]

type Files = Pick<Sample, 'path' | 'also'>

/** All image references of a sample, '' for those that are missing. */
export function sourceOf({ path, also = [] }: Files): ImageSource {
  return also.length === 0 ? path : [path, ...also]
}

/** One image reference a place, '' where there is none. */
export function placesOf(source: ImageSource): readonly string[] {
  return typeof source === 'string' ? [source] : source
}

/** The image references that there are. */
export function filesOf(source: ImageSource): readonly string[] {
  return placesOf(source).filter((file) => file !== '')
}

/** Images of the sample that has most of them; 1 where there are no samples. */
export function mostImages(samples: readonly Files[]): number {
  return samples.reduce((most, { also = [] }) => Math.max(most, also.length + 1), 1)
}

/**
 * Refuses samples with more images than are taken of each: the others would be left out silently.
 *
 * @param images `Preprocessing.images`
 * @param advice what to do, for the end of the message; `{}` stands for the number found
 */
export function assertImagesFit(samples: readonly Files[], images: number, advice: string): void {
  const most = mostImages(samples)
  if (most <= images) return
  throw new DataError(
    `The data set has samples of ${most} images, but ${images === 1 ? 'only 1 is' : `only ${images} are`} taken of ` +
      `each: ${advice.replace('{}', String(most))}.`,
  )
}
