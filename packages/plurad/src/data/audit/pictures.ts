import { askImages, type ImageJobOptions } from '../inspect/image-jobs.js'
import type { Audit } from './audit.js'

/** Copies of one picture that are shown. */
export const MOST_OF_ONE = 4

/**
 * Small JPEGs of what findings are about, for people to see whether they are right.
 *
 * @param items findings' items that are shown
 * @returns by image reference; without those that cannot be read
 * @throws PluradError where a reading thread dies
 */
export async function picturesOf(
  { findings }: Pick<Audit, 'findings'>,
  items: number,
  options: ImageJobOptions,
): Promise<Map<string, Uint8Array>> {
  const wanted = findings.flatMap(({ references = [] }) =>
    references.slice(0, items).flatMap((of) => of.slice(0, MOST_OF_ONE)),
  )
  const references = [...new Set(wanted)]
  const pictures = new Map<string, Uint8Array>()
  await askImages('contact', references, options, (index, answer) => {
    if ('value' in answer) pictures.set(references[index], answer.value)
  })
  return pictures
}
