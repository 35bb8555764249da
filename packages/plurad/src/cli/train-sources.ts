/** Data sets that stages of a run learn from beside its own, opened before anything begins. */
import { resolve } from 'node:path'
import { openDataset } from '../data/index.js'
import { assertPatientDisjoint, splitDataset, splits } from '../data/split.js'
import { DataError } from '../errors.js'
import type { Recipe } from '../recipe/schema.js'
import type { SourceData } from '../training/job.js'
import { sourceKey, transferOptions, type TransferOptions } from '../training/stages/transfer.js'
import { checkImages } from './train-images.js'

/** What runs keep of their sources: location to fingerprint. */
export type SourcePrints = Readonly<Record<string, string>>

/** The recipe with absolute paths of its sources: a run may be resumed from another folder than it was started in. */
export function withAbsoluteSources(recipe: Recipe): Recipe {
  const stages = recipe.stages.map((stage) =>
    stage.name === 'transfer' && typeof stage['source'] === 'string'
      ? { ...stage, source: resolve(stage['source']) }
      : stage,
  )
  return { ...recipe, stages }
}

/**
 * Opens and divides the sources of a recipe's stages.
 *
 * @param earlier of the run, when it is resumed
 * @throws DataError where one cannot be read, or is not what the run was started on
 */
export async function openSources(
  recipe: Recipe,
  strict: boolean,
  earlier: SourcePrints | null,
): Promise<{ sources: Record<string, SourceData>; prints: SourcePrints }> {
  const sources: Record<string, SourceData> = {}
  const prints: Record<string, string> = {}
  for (const { location, ...options } of sourcesOf(recipe)) {
    const dataset = await openDataset(location, {
      strict,
      settings: options.set ?? undefined,
      ...(options.labels === null ? {} : { labels: options.labels }),
    })
    if (earlier?.[location] !== undefined && earlier[location] !== dataset.fingerprint) {
      throw new DataError(
        `${location} is not what this run was started on: the table or the files found have changed since. ` +
          'Bring back the old data, or start a new run in another folder.',
      )
    }
    checkImages(dataset, recipe)
    const { train, val, test, seed } = recipe.data.split
    const assignment = splitDataset(dataset, { fractions: { train, val, test }, seed })
    assertPatientDisjoint(dataset.samples, assignment)
    for (const split of splits.filter((each) => each !== 'test')) {
      if (!assignment.includes(split)) {
        throw new DataError(
          `${location}: its ${split} split is empty: ${dataset.samples.length} images are too few for data.split.`,
        )
      }
    }
    const { name, fingerprint, labels, samples } = dataset
    sources[sourceKey(options)] = { dataset: { name, fingerprint }, labels, samples, assignment }
    prints[location] = fingerprint
  }
  return { sources, prints }
}

function sourcesOf({ stages }: Recipe): (TransferOptions & { location: string })[] {
  return stages.flatMap(({ name, recipe: _, ...given }) => {
    if (name !== 'transfer') return []
    const options = transferOptions.parse(given)
    return options.source === null ? [] : [{ ...options, location: options.source }]
  })
}
