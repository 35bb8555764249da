/** Runs of several stages: each is done once, hands its weights on, and a killed run ends as one that was not. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipeOfStage } from '../src/recipe/stages.js'
import { parseRecipe } from '../src/recipe/recipe.js'
import { makeWorkplace, outcomeOf, plurad, sets, start, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace()
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const STAGES = [
  'stages=[supervised, {name: supervised, recipe: {model: {freeze: backbone}, training: {epochs: 3, sampler: class-aware}}}]',
]
const train = (out: string, changes: readonly string[]): string[] => [
  'train',
  here.recipe,
  '--data',
  here.data,
  '--out',
  here.path(out),
  ...sets(...STAGES, ...changes),
]

describe('a run of two stages', () => {
  it('ends the same when it is killed again and again', { timeout: 180_000 }, async () => {
    const { stderr } = await succeed(train('whole', []))
    expect(stderr).toMatch(/Stage 1\/2 {3}supervised[^]*Epoch 1\/2[^]*Stage 2\/2 {3}supervised[^]*Epoch 3\/3/)
    const folder = here.path('killed')
    // Killed before it had begun, a run is started again instead.
    const command = (): string[] =>
      existsSync(`${folder}/recipe.yaml`) ? ['train', '--resume', '--out', folder] : train('killed', [])
    let killed = 0
    for (const delay of [700, 1000, 1300, 1600, 2000, 2500]) {
      const { child, ended } = start(command())
      const [result] = await Promise.all([ended, sleep(delay).then(() => child.kill('SIGKILL'))])
      if (result.signal === 'SIGKILL') killed++
    }
    expect(killed).toBeGreaterThan(1)
    await succeed(command())
    expect(outcomeOf(folder)).toEqual(outcomeOf(here.path('whole')))
    const rows = readFileSync(`${folder}/history.jsonl`, 'utf8').trim().split('\n')
    expect(rows.map((row) => (JSON.parse(row) as { stage: string }).stage)).toEqual([
      ...['1-supervised', '1-supervised', '2-supervised', '2-supervised', '2-supervised'],
    ])
  })

  it('refuses a stage that there is not, and what a stage cannot change', { timeout: 60_000 }, async () => {
    const refused = async (change: string): Promise<string> => {
      const result = await plurad(train('refused', [change]))
      expect(result.code).toBe(1)
      return result.stderr
    }
    expect(await refused('stages=[supervized]')).toContain(
      "There is no stage 'supervized', did you mean 'supervised'?",
    )
    expect(await refused('stages.1.recipe={data: {size: 3}}')).toContain(
      'stages.1.recipe.data: a stage cannot change that.',
    )
    expect(await refused('stages.1.recipe.training.epoch=3')).toContain(
      'stages.1.recipe.training.epoch: there is no such key. Did you mean "epochs"?',
    )
  })
})

describe('what a stage changes', () => {
  const recipe = parseRecipe(
    `
name: two
loss: {name: asl, gamma_negative: 2}
training: {epochs: 7, optimizer: {name: adam, learning_rate: 0.5}}
stages:
  - supervised
  - {name: supervised, recipe: {loss: {name: focal}, training: {optimizer: {name: sgd}, batch_size: 3}}}
`,
    'two.yaml',
  )

  it('is merged with the rest; a loss of another name is another loss', () => {
    expect(recipeOfStage(recipe, 0)).toBe(recipe)
    const { loss, training, data } = recipeOfStage(recipe, 1)
    expect(loss).toEqual({ name: 'focal' })
    expect(training).toMatchObject({
      epochs: 7,
      batch_size: 3,
      optimizer: { name: 'sgd', learning_rate: 0.5 },
    })
    expect(data).toEqual(recipe.data)
  })
})
