/** One recipe trains all members of an ensemble, and what they say together is a run like any other. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRecipe } from '../src/recipe/recipe.js'
import { recipeOfMember } from '../src/recipe/members.js'
import { readPredictions } from '../src/metrics/predictions.js'
import { makeWorkplace, outcomeOf, start, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace()
  const recipe = readFileSync(here.recipe, 'utf8')
  writeFileSync(
    here.path('trio.yaml'),
    `${recipe}
model: { backbone: { name: guita_cnn, out_channels: 8 } }
ensemble:
  method: mean
  members:
    - { name: a }
    - { name: b, recipe: { model: { head: location_attention }, training: { seed: 1 } } }
`,
  )
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

describe('a recipe with an ensemble', () => {
  const train = (out: string): string[] => [
    ...['train', here.path('trio.yaml'), '--data', here.data, '--out', here.path(out)],
  ]

  it('trains its members, goes on after a stop, and puts them together', { timeout: 120_000 }, async () => {
    const { child, ended, said } = start(train('ensemble'))
    await said('Member 2/2')
    await said('Epoch 1/2')
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 130 })
    const folder = here.path('ensemble')
    const { stdout } = await succeed(['train', '--resume', '--out', folder])
    expect(stdout).toContain('Test split')
    const members = ['members/1-a', 'members/2-b'].map((name) => `${folder}/${name}`)
    for (const file of [
      'recipe.yaml',
      'environment.json',
      'split.csv',
      'metrics.json',
      'report.html',
      'ensemble.json',
    ])
      expect(existsSync(`${folder}/${file}`), file).toBe(true)
    expect(JSON.parse(readFileSync(`${folder}/ensemble.json`, 'utf8'))).toMatchObject({
      method: 'mean',
      members: ['members/1-a', 'members/2-b'],
    })
    const [together, a, b] = await Promise.all(
      [folder, ...members].map((run) => readPredictions(`${run}/predictions/test.csv`)),
    )
    together.scores.forEach((score, i) => expect(score).toBeCloseTo((a.scores[i] + b.scores[i]) / 2, 12))
    expect(Array.from(a.scores)).not.toEqual(Array.from(b.scores))

    // A member is what a run of its own would be.
    const alone = here.path('alone')
    writeFileSync(here.path('alone.yaml'), readFileSync(`${members[1]}/recipe.yaml`, 'utf8'))
    await succeed(['train', here.path('alone.yaml'), '--data', here.data, '--out', alone])
    const { metrics: _, ...expected } = outcomeOf(alone)
    expect(outcomeOf(members[1])).toMatchObject(expected)
  })
})

describe('what a member changes', () => {
  const members = (text: string): string =>
    `name: trio\nmodel: { backbone: resnet18 }\nensemble: { members: [{ name: a }, ${text}] }\n`

  it('is merged with the rest', () => {
    const recipe = parseRecipe(
      members('{ name: b, recipe: { model: { backbone: vgg16 }, training: { epochs: 3 } } }'),
      'trio.yaml',
    )
    expect(recipeOfMember(recipe, 0)).toMatchObject({
      name: 'trio-a',
      ensemble: null,
      training: { epochs: 20 },
    })
    expect(recipeOfMember(recipe, 1)).toMatchObject({
      name: 'trio-b',
      model: { backbone: { name: 'vgg16' }, head: { name: 'linear' } },
      training: { epochs: 3 },
    })
  })

  it.each([
    ['{ name: a }', /'a' is the name of member 0 too/],
    [
      '{ name: b, recipe: { data: { split: { seed: 1 } } } }',
      /data\.split: all members of an ensemble share that/,
    ],
    [
      '{ name: b, recipe: { model: { backbone: vgg61 } } }',
      /ensemble\.members\.1: There is no backbone 'vgg61'/,
    ],
    ['{ name: b/c }', /expected letters, digits/],
  ])('is refused where members could not be put together: %s', (text, message) => {
    expect(() => parseRecipe(members(text), 'trio.yaml')).toThrow(message)
  })
})
