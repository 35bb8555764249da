/** Finding images in tables that name them otherwise: with another folder before, or without an ending. */

/** VinDr and CheXpert name images without an ending. */
const ENDING = /\.(png|jpe?g|tiff?|dcm|dicom)$/i

const partsOf = (reference: string): string[] => reference.replace(ENDING, '').split(/[\\/]/)

/**
 * The name under which a table has each image: the same, else the one that agrees in most of the last parts of the path, the
 * file's own name at least. Where two names agree as well, or two images would get one name that only one of them can have,
 * there is none: `view1_frontal` is a file of every patient.
 *
 * @param names of the table
 * @returns [N] null where there is none
 */
export function matchReferences(names: Iterable<string>, images: readonly string[]): (string | null)[] {
  const known = new Set(names)
  const byFile = new Map<string, string[]>()
  for (const name of known) {
    const file = partsOf(name).at(-1) ?? ''
    byFile.set(file, [...(byFile.get(file) ?? []), name])
  }
  const matched = images.map((image): { name: string; exact: boolean } | null => {
    if (known.has(image)) return { name: image, exact: true }
    const parts = partsOf(image)
    const candidates = byFile.get(parts.at(-1) ?? '') ?? []
    const agreeing = candidates.map((name) => agreement(partsOf(name), parts))
    const most = Math.max(0, ...agreeing)
    const best = candidates.filter((_, i) => agreeing[i] === most)
    return best.length === 1 ? { name: best[0], exact: false } : null
  })
  const takers = new Map<string, number>()
  for (const match of matched) if (match !== null) takers.set(match.name, (takers.get(match.name) ?? 0) + 1)
  return matched.map((match) => {
    if (match === null) return null
    return match.exact || takers.get(match.name) === 1 ? match.name : null
  })
}

/** How many of the last parts are the same. */
function agreement(a: readonly string[], b: readonly string[]): number {
  let count = 0
  while (count < a.length && count < b.length && a.at(-1 - count) === b.at(-1 - count)) count++
  return count
}
