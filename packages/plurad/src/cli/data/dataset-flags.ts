/** What the data commands share: how the data set that they were given is to be read. */
import type { Command } from 'commander'
import type { Dataset } from '../../data/dataset.js'
import type { OpenOptions } from '../../data/sets/adapter.js'
import { openDataset } from '../../data/sets/open.js'
import { UsageError } from '../../errors.js'
import { applyChange, readRecipe, readRecipeText } from '../../recipe/read.js'
import { findRecipe } from '../recipes.js'

export interface DatasetFlags {
  /** `key=value` settings of the adapter, or its name as `adapter=chexpert`. */
  set: readonly string[]
  /** A recipe's file or name, for its `data.set` and `data.labels`. */
  recipe?: string | undefined
  /** Folder that image references start from. */
  images?: string | undefined
}

/** Adds `--set`, `--recipe` and `--images` to a command whose flags extend `DatasetFlags`. */
export function datasetOptions(command: Command): Command {
  return command
    .option(
      '--set <key=value>',
      'how the data set is read: a setting of its adapter, or adapter=NAME; may be repeated',
      collect,
      [],
    )
    .option('--recipe <file>', 'read the data set as this recipe says (its data.set and data.labels)')
    .option('--images <folder>', 'the folder that image references start from')
}

/**
 * Opens a data set as a command's flags say; `--set` overrides the recipe's values one by one.
 *
 * @throws UsageError for a `--set` that is no `key=value`
 */
export async function openFromFlags(
  location: string,
  flags: DatasetFlags,
  options: Omit<OpenOptions, 'settings'> = {},
): Promise<Dataset> {
  return openDataset(location, { ...options, ...(await openOptionsOf(flags)) })
}

/** What the flags say, for callers that open by themselves. */
export async function openOptionsOf(
  flags: DatasetFlags,
): Promise<Pick<OpenOptions, 'images' | 'labels' | 'settings'>> {
  let settings: Record<string, unknown> = {}
  let labels: readonly string[] | null = null
  if (flags.recipe !== undefined) {
    const file = await findRecipe(flags.recipe)
    const { data } = readRecipe(await readRecipeText(file), file)
    settings = { ...data.set }
    labels = data.labels
  }
  for (const change of flags.set) {
    const plain = change.replace(/^data\.set\./, '')
    if (plain.indexOf('=') < 1) {
      throw new UsageError(`--set ${change}: expected key=value, such as policy=u-ones or adapter=csv`)
    }
    settings = applyChange(settings, plain)
  }
  return {
    ...(flags.images === undefined ? {} : { images: flags.images }),
    ...(labels === null ? {} : { labels }),
    settings,
  }
}

/** For options that may be repeated. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}
