/** What a loader found out about files, said of the samples that they belong to. */
import type { Sample } from './dataset.js'
import type { ImageLoader } from './loader.js'
import { filesOf, sourceOf } from './source.js'

type Referenced = Pick<Sample, 'image' | 'path' | 'also'>

/** The samples that could not be read, with what their first damaged file says. */
export function unreadableOf(
  samples: readonly Referenced[],
  { failures }: Pick<ImageLoader, 'failures'>,
): { image: string; reason: string }[] {
  if (failures.size === 0) return []
  return samples.flatMap((sample) => {
    const damaged = filesOf(sourceOf(sample)).find((file) => failures.has(file))
    return damaged === undefined ? [] : [{ image: sample.image, reason: failures.get(damaged) as string }]
  })
}

/** The samples that could be read and whose files a user should know something of. */
export function warningsOf(
  samples: readonly Referenced[],
  { warnings }: Pick<ImageLoader, 'warnings'>,
): { image: string; reason: string }[] {
  if (warnings.size === 0) return []
  return samples.flatMap((sample) => {
    const files = filesOf(sourceOf(sample))
    const texts = files.flatMap((file) => {
      const text = warnings.get(file)
      return text === undefined ? [] : [files.length === 1 ? text : `${file}: ${text}`]
    })
    return texts.length === 0 ? [] : [{ image: sample.image, reason: texts.join('; ') }]
  })
}
