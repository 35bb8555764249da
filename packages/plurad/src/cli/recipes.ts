import { existsSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { RecipeError } from '../errors.js'
import { didYouMean } from '../suggest.js'

/** Where the recipes that come with the toolkit lie: in the package when installed, in the repository when cloned. */
function recipesFolder(): string {
  const candidates = ['../../recipes', '../../../../recipes'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  return candidates.find((folder) => existsSync(folder)) ?? candidates[0]
}

async function recipeNames(): Promise<string[]> {
  const names = await readdir(recipesFolder())
  return names
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort()
}

/** A file as given, or the recipe of that name that comes with plurad. Throws `RecipeError`. */
export async function findRecipe(nameOrFile: string): Promise<string> {
  // A folder that happens to be called as a recipe is not meant.
  if (existsSync(nameOrFile) && !statSync(nameOrFile).isDirectory()) return nameOrFile
  const names = await recipeNames()
  if (names.includes(nameOrFile)) return join(recipesFolder(), `${nameOrFile}.yaml`)
  throw new RecipeError(
    `There is no recipe file ${nameOrFile} and no recipe of that name.${didYouMean(nameOrFile, names)} ` +
      `Known: ${names.join(', ')}.`,
  )
}

export function register(program: Command): void {
  program
    .command('recipes')
    .description('list the recipes that come with plurad, with their papers and published figures')
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExample:\n  plurad recipes')
    .action(async ({ json }: { json?: boolean }) => {
      // Loaded here: it needs the engine, which the other commands have to run without.
      const { loadRecipe } = await import('../recipe/recipe.js')
      const names = await recipeNames()
      const recipes = await Promise.all(names.map(async (name) => loadRecipe(await findRecipe(name))))
      if (json) {
        process.stdout.write(`${JSON.stringify(recipes, null, 2)}\n`)
        return
      }
      for (const { name, paper, published, description } of recipes) {
        process.stdout.write(`${name}\n`)
        for (const line of [description, paper, published])
          if (line !== null) process.stdout.write(`    ${line}\n`)
      }
    })
}
