/** Small pictures of a run's images, as long as they lie where the run found them. */
import { existsSync } from 'node:fs'
import { contactImageOf } from '../../data/inspect/contact-image.js'
import type { ImageReading } from '../../data/inspect/image-facts.js'
import { filesOf, sourceOf } from '../../data/source.js'
import { openDataset } from '../../data/sets/open.js'
import type { RunContents } from '../load.js'
import { environmentText } from '../sections/reproduce.js'

/** Longest side in pixels: twice what is shown of it, for sharp screens and print. */
const SIDE = 256

/** Where the pixels of images are. */
export interface PictureSource {
  /** The files of an image; none where it is not known. */
  filesOf(image: string): readonly string[]
  reading: ImageReading
}

/** Why there are no pictures, in a sentence. */
export interface NoPictures {
  reason: string
}

/** The images of the data set that a run was made with. */
export async function runPictures(run: RunContents): Promise<PictureSource | NoPictures> {
  const location = environmentText(run, ['data'])
  if (location === null) return { reason: 'It is not known where the images are.' }
  if (!existsSync(location)) return { reason: 'The images are no longer where the run found them.' }
  const labels = run.splits?.labels
  const dataset = await openDataset(location, {
    settings: run.recipeFacts.settings,
    ...(labels === undefined ? {} : { labels }),
  }).catch(() => null)
  if (dataset === null) return { reason: 'The data set can no longer be read as the run read it.' }
  const fingerprint = environmentText(run, ['data_fingerprint'])
  if (fingerprint !== null && fingerprint !== dataset.fingerprint) {
    return { reason: 'The data set has changed since the run was made.' }
  }
  return pictureSource(dataset.samples, run.recipeFacts.reading)
}

export function pictureSource(
  samples: readonly { image: string; path: string; also?: readonly string[] | undefined }[],
  reading: ImageReading,
): PictureSource {
  const byImage = new Map(samples.map((sample) => [sample.image, sample]))
  return {
    filesOf(image) {
      const sample = byImage.get(image)
      return sample === undefined ? [] : filesOf(sourceOf(sample))
    },
    reading,
  }
}

/**
 * JPEGs as `data:` addresses, without anything of the original files but their pictures; an image that cannot be read
 * has none.
 */
export async function readPictures(
  images: readonly string[],
  source: PictureSource,
): Promise<Map<string, string[]>> {
  const pictures = new Map<string, string[]>()
  for (const image of new Set(images)) {
    const addresses: string[] = []
    for (const file of source.filesOf(image)) {
      const jpeg = await contactImageOf(file, source.reading, SIDE).catch(() => null)
      if (jpeg !== null) addresses.push(`data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`)
    }
    pictures.set(image, addresses)
  }
  return pictures
}
