/** The members of a recipe's ensemble, trained one after the other as runs of their own, and what they say together. */
import { copyFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { RunError } from '../errors.js'
import { makeFolder, writeFileAtomic } from '../files.js'
import { recipeOfMember } from '../recipe/members.js'
import { formatRecipe } from '../recipe/recipe.js'
import type { Recipe } from '../recipe/schema.js'
import { writeReport } from '../report/index.js'
import { describeEnvironment, readEnvironment, writeEnvironment } from '../run/environment.js'
import { RunFolder } from '../run/folder.js'
import { writeEnsemble } from './ensemble-run.js'
import { trainingCounts } from './evaluate/judged.js'
import type { TrainHooks, TrainOptions, TrainSummary } from './train-run.js'

/** @param trainMember trains one model: `train` of a recipe without an ensemble */
export async function trainEnsemble(
  recipe: Recipe,
  options: TrainOptions,
  hooks: TrainHooks,
  trainMember: (options: TrainOptions, hooks: TrainHooks) => Promise<TrainSummary>,
): Promise<TrainSummary> {
  const { ensemble } = recipe
  if (ensemble === null) throw new RunError('The recipe has no ensemble.')
  const folder = new RunFolder(options.out)
  await folder.create()
  const unlock = folder.lock()
  try {
    const members = ensemble.members.map(({ name }, index) => folder.member(index, name))
    let epochs = 0
    for (const [index, member] of members.entries()) {
      hooks.onNote(`Member ${index + 1}/${members.length}  ${ensemble.members[index].name}`)
      if (member.finished) {
        hooks.onNote('            is trained')
        continue
      }
      const file = await writeMemberRecipe(folder, index, recipe)
      let begun = Promise.resolve()
      const summary = await trainMember(
        {
          ...options,
          // Also of a member that was begun, which refuses to go on by another recipe.
          recipe: file,
          changes: [],
          data: options.data ?? readEnvironment(folder.environment)?.data,
          out: member.root,
          resume: member.begun,
        },
        {
          ...hooks,
          onMessage: (message) => {
            // With the first member's checks passed, the run has begun.
            if (message.kind === 'started' && !folder.begun) begun = begin(folder, member, recipe)
            hooks.onMessage(message)
          },
        },
      )
      await begun
      epochs += summary.epochs
      if (!summary.finished) return { ...summary, folder: folder.root, report: folder.report, epochs }
    }
    const { bootstrap: repetitions, threshold, calibration } = recipe.evaluation
    const { labels = [] } = readEnvironment(folder.environment) ?? {}
    await writeEnsemble({
      folder,
      members: members.map(({ root }) => root),
      named: members.map(({ root }) => relative(folder.root, root)),
      method: ensemble.method,
      threshold: threshold === 'max_f1' ? undefined : threshold,
      calibration: calibration === 'none' ? undefined : calibration,
      trainingCounts: await trainingCounts(folder, labels),
      bootstrap: repetitions === 0 ? null : { repetitions, method: 'percentile', level: 0.95, seed: 0 },
    })
    for (const name of ['skipped.csv', 'warnings.csv']) {
      const list = join(members[0].root, name)
      if (existsSync(list)) await copyFile(list, join(folder.root, name))
    }
    const environment = readEnvironment(folder.environment)
    if (environment !== null)
      await writeEnvironment(folder.environment, { ...environment, finished: new Date().toISOString() })
    return {
      finished: true,
      epochs,
      bestEpoch: null,
      folder: folder.root,
      report: await writeReport(folder.root),
      skipped: 0,
      warnings: 0,
    }
  } finally {
    unlock()
  }
}

async function writeMemberRecipe(folder: RunFolder, index: number, recipe: Recipe): Promise<string> {
  const own = recipeOfMember(recipe, index)
  makeFolder(join(folder.root, 'members'))
  const file = join(folder.root, 'members', `${index + 1}-${own.name}.yaml`)
  await writeFileAtomic(file, formatRecipe(own))
  return file
}

/** The files that begin a run; the split is the same for all members. */
async function begin(folder: RunFolder, first: RunFolder, recipe: Recipe): Promise<void> {
  await copyFile(first.split, folder.split)
  const environment = readEnvironment(first.environment)
  if (environment !== null)
    await writeEnvironment(folder.environment, { ...environment, ...describeEnvironment() })
  await writeFileAtomic(folder.recipe, formatRecipe(recipe))
}
