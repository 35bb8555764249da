/** The images that a run was made from, where they still are. */
import { existsSync } from 'node:fs'
import { readSplit } from '../data/split-file.js'
import { openDataset } from '../data/sets/open.js'
import { sourceOf } from '../data/source.js'
import { PluradError } from '../errors.js'
import type { JudgedImages } from '../export/quantise/reduce.js'
import { readRecipe, readRecipeText } from '../recipe/read.js'
import { readEnvironment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'

/** Training and validation images of a run folder, the truth of the latter in the order of the run's labels, or why there are none. */
export async function runImages(location: string): Promise<JudgedImages | { reason: string }> {
  const folder = new RunFolder(location)
  const environment = readEnvironment(folder.environment)
  if (environment === null || !existsSync(folder.split)) return { reason: `${location} is no run folder` }
  try {
    const recipe = readRecipe(await readRecipeText(folder.recipe), folder.recipe)
    const dataset = await openDataset(environment.data, {
      labels: environment.labels,
      settings: recipe.data.set ?? undefined,
    })
    if (dataset.fingerprint !== environment.data_fingerprint)
      return { reason: `${environment.data} has changed since the run was made` }
    const assignment = await readSplit(folder.split, dataset)
    const of = (split: string) => dataset.samples.filter((_, i) => assignment[i] === split)
    const validation = of('val')
    return {
      training: of('train').map(sourceOf),
      validation: validation.map(sourceOf),
      validationLabels: validation.map(({ labels }) => labels),
    }
  } catch (error) {
    if (!(error instanceof PluradError)) throw error
    return { reason: error.message }
  }
}
