import { DataError } from '../../errors.js'
import type { Dataset } from '../dataset.js'
import { fingerprint } from './assemble.js'

/**
 * Tables of one data set, such as its train and its test table, as one. All have the same labels.
 *
 * @throws DataError where an image stands in two of them
 */
export function joinDatasets(name: string, parts: readonly Dataset[]): Dataset {
  if (parts.length === 1) return { ...parts[0], name }
  const labels = parts[0].labels
  const samples = parts.flatMap((part) => part.samples)
  const seen = new Set<string>()
  for (const { image } of samples) {
    if (seen.has(image)) {
      throw new DataError(
        `${name}: "${image}" stands in two of its tables. Name the one to open instead of the folder.`,
      )
    }
    seen.add(image)
  }
  const starts = parts.map((_, at) => parts.slice(0, at).reduce((sum, part) => sum + part.samples.length, 0))
  const uncertain = parts.flatMap((part, at) =>
    (part.uncertain ?? []).map(([sample, label]) => [sample + starts[at], label] as const),
  )
  return {
    name,
    labels,
    samples,
    skipped: parts.flatMap((part) => part.skipped),
    fingerprint: fingerprint(labels, samples),
    ...(parts.some((part) => part.notes) && { notes: parts.flatMap((part) => part.notes ?? []) }),
    ...(parts.some((part) => part.uncertain) && { uncertain }),
  }
}
