/** What users are told about a run that reads from a pack. */
import type { Sample } from '../data/dataset.js'
import type { ImageLoader } from '../data/loader.js'
import type { PackSource } from '../data/pack/open.js'
import { filesOf, sourceOf } from '../data/source.js'
import { DataError } from '../errors.js'

/**
 * How much of the data set a pack has.
 *
 * @throws DataError where it has nothing of it
 */
export function packCoverage(
  { folder }: PackSource,
  samples: readonly Pick<Sample, 'path' | 'also'>[],
  loader: ImageLoader,
): string {
  let [files, packed] = [0, 0]
  for (const sample of samples) {
    for (const file of filesOf(sourceOf(sample))) {
      files++
      if (loader.isPacked(file)) packed++
    }
  }
  if (packed === 0) {
    throw new DataError(
      `${folder} has none of the data set's ${files} image files. Was it packed from another data set? Pack this one ` +
        'with plurad data pack, or leave --pack (data.pack) out.',
    )
  }
  if (packed === files) return `Pack        all ${files} image files are in ${folder}`
  return `Pack        ${packed} of ${files} image files are in ${folder}; the others are decoded`
}

/** How many files were decoded although the pack has them; null for none. */
export function packRefusals({ refused }: ImageLoader): string | null {
  if (refused.size === 0) return null
  const damaged = [...refused.values()].filter((why) => why === 'damaged').length
  const changed = refused.size - damaged
  const parts = [
    ...(changed > 0 ? [`${changed} changed since they were packed`] : []),
    ...(damaged > 0 ? [`${damaged} damaged in the pack`] : []),
  ]
  return (
    `Pack        ${refused.size} image files were decoded again (${parts.join(', ')}); bring it up to date with ` +
    `plurad data pack${damaged > 0 ? ' --verify' : ''}`
  )
}
