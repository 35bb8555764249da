/** The variants that the recipe cxr-lt offers in its header are what they say. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadRecipe } from '../src/recipe/recipe.js'

const file = fileURLToPath(new URL('../../../recipes/cxr-lt.yaml', import.meta.url))

/** `#   cRT:   --set loss='{name: bce}' --set stages=…` -> the name and what follows each --set, without the quotes. */
const variants = readFileSync(file, 'utf8')
  .split('\n')
  .flatMap((line) => /^# {3}([\w -]+): +(--set .*)$/.exec(line)?.slice(1, 3) ?? [])
const names = variants.filter((_, i) => i % 2 === 0)

async function variant(name: string) {
  const text = variants[variants.indexOf(name) + 1]
  const changes = Array.from(
    text.matchAll(/--set ([\w.]+)='([^']*)'/g),
    ([, key, value]) => `${key}=${value}`,
  )
  expect(changes.length).toBe(text.split('--set ').length - 1)
  return loadRecipe(file, changes)
}

test('all that it names', () => {
  expect(names).toEqual([
    'plain loss',
    'LDAM',
    'LDAM-DRW',
    'MixUp',
    'Balanced-MixUp',
    'cRT',
    'LWS',
    'tau-norm',
  ])
})

test('each changes what it is named for', async () => {
  const found = await Promise.all(names.map(async (name) => [name, await variant(name)] as const))
  const summary = Object.fromEntries(
    found.map(([name, { loss, model, mixing, stages, training }]) => [
      name,
      [
        loss.name,
        model.head.name,
        mixing?.name ?? null,
        stages.map((stage) => stage.name).join(),
        training.deferred_reweighting?.from_epoch ?? null,
      ],
    ]),
  )
  expect(summary).toEqual({
    'plain loss': ['bce', 'linear', null, 'supervised', null],
    LDAM: ['ldam', 'cosine', null, 'supervised', null],
    'LDAM-DRW': ['ldam', 'cosine', null, 'supervised', 20],
    MixUp: ['bce', 'linear', 'mixup', 'supervised', null],
    'Balanced-MixUp': ['bce', 'linear', 'balanced_mixup', 'supervised', null],
    cRT: ['bce', 'linear', null, 'supervised,crt', null],
    LWS: ['bce', 'linear', null, 'supervised,lws', null],
    'tau-norm': ['bce', 'linear', null, 'supervised,tau_norm', null],
  })
})
