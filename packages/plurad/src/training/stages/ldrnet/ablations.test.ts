/** Each row of the paper's ablations is one change of a recipe that comes along. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { RecipeError } from '../../../errors.js'
import { loadRecipe } from '../../../recipe/recipe.js'
import { optionsSchema } from './options.js'

const recipe = fileURLToPath(new URL('../../../../../../recipes/ldrnet-nih.yaml', import.meta.url))
const tenths = Array.from({ length: 10 }, (_, i) => (i + 1) / 10)

test.each([
  'model.head=linear',
  'stages.1.rounds=0',
  'stages.1.e_epochs=0',
  'model.head.prompt=false',
  'model.label_vectors=clip',
  'model.label_vectors=cooccurrence',
  'model.label_vectors={source: word2vec, file: vectors.txt}',
  'model.label_vectors={source: bluebert, model: hf:owner/name}',
  ...['paper', 'balanced', 'anchored', 'uniform'].map((mode) => `stages.1.sampling=${mode}`),
  ...['diagonal', 'shrunk', 'full'].map((kind) => `stages.1.covariance=${kind}`),
  ...['real', 'virtual'].map((prior) => `stages.1.prior=${prior}`),
  ...tenths.flatMap((value) => [`stages.1.alpha=${value}`, `stages.1.q=${value}`]),
])('--set %s', async (change) => {
  const before = await loadRecipe(recipe)
  const after = await loadRecipe(recipe, [change])
  // Those that name what the recipe has already change nothing.
  expect(JSON.stringify(after) === JSON.stringify(before)).toBe(
    [
      'model.label_vectors=clip',
      'stages.1.sampling=balanced',
      'stages.1.covariance=diagonal',
      'stages.1.prior=real',
    ].includes(change) ||
      change === 'stages.1.alpha=0.9' ||
      change === 'stages.1.q=0.8',
  )
})

test('what it misspells is refused with the nearest name', async () => {
  await expect(loadRecipe(recipe, ['stages.1.samplig=paper'])).rejects.toThrow(RecipeError)
  await expect(loadRecipe(recipe, ['stages.1.samplig=paper'])).rejects.toThrow(/Did you mean "sampling"/)
  await expect(loadRecipe(recipe, ['stages.1.q=0'])).rejects.toThrow(/option q/)
})

test('the published settings are the defaults', () => {
  expect(optionsSchema.parse({})).toMatchObject({ alpha: 0.9, q: 0.8, covariance: 'diagonal' })
})
