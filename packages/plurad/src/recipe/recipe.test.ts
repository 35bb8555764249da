import { describe, expect, test } from 'vitest'
import { RecipeError } from '../errors.js'
import { differences, formatRecipe, parseRecipe } from './recipe.js'

const parse = (text: string, changes: string[] = []) => parseRecipe(text, 'my.yaml', changes)

describe('parseRecipe', () => {
  test('fills in every default', () => {
    const recipe = parse('name: x')
    expect(recipe.model).toMatchObject({
      backbone: { name: 'densenet121' },
      head: { name: 'linear' },
      weights: null,
    })
    expect(recipe.training.optimizer).toMatchObject({ name: 'adam', learning_rate: 1e-4 })
    expect(recipe.data.split).toEqual({ train: 0.7, val: 0.1, test: 0.2, seed: 0, file: null, fold: null })
  })

  test('reads back what it writes', () => {
    const recipe = parse('name: x', ['training.epochs=3', 'data.labels=[Effusion, "a, b"]'])
    expect(parse(formatRecipe(recipe))).toEqual(recipe)
    expect(recipe.data.labels).toEqual(['Effusion', 'a, b'])
  })

  test('names a misspelt key with its place, and the nearest one', () => {
    expect(() => parse('name: x\ntraining:\n  optimizer:\n    learning_rat: 1')).toThrow(RecipeError)
    expect(() => parse('name: x\ntraining:\n  optimizer:\n    learning_rat: 1')).toThrow(
      /my\.yaml[^]*training\.optimizer\.learning_rat[^]*"learning_rate"/,
    )
  })

  test.each([
    ['training.epochs=0', /training\.epochs[^]*0/],
    ['training.epochs=many', /training\.epochs[^]*many/],
    ['model.backbone=densnet121', /densenet121/],
    ['loss.name=bec', /bce/],
    ['data.split.train=0.9', /add up to/],
    ['data.split.fold=2', /data\.split\.fold: .*data\.split\.file is missing/],
    ['data.mean=[0.1, 0.2]', /data\.mean has 2 values for 1 channel/],
    ['epochs', /expected key=value/],
    ['training.device=gpu', /expected auto, cpu, cuda/],
    ['training.sampler=clas-aware', /training\.sampler.*'class-aware'/],
    ['training.sampler={name: weighted, betta: 1}', /sampler\.betta: there is no such key.*"beta"/],
    [
      'training.sampler={name: shuffled, beta: 0.9}',
      /sampler\.beta: there is no such key\. Known here: name\./,
    ],
  ])('refuses --set %s', (change, message) => {
    expect(() => parse('name: x', [change])).toThrow(message)
  })

  test('takes a sampler by its name, or with settings', () => {
    expect(parse('name: x').training.sampler).toEqual({ name: 'shuffled' })
    const named = parse('name: x', ['training.sampler=class-aware'])
    expect(named.training.sampler).toEqual({ name: 'class-aware', unlabelled: true, images_per_epoch: null })
    expect(parse('name: x', ['training.sampler.name=class-aware'])).toEqual(named)
  })

  test('says where YAML is broken', () => {
    expect(() => parse('name: [x')).toThrow(/my\.yaml is not YAML/)
    expect(() => parse('just text')).toThrow(RecipeError)
  })
})

test('differences lists dotted keys', () => {
  const a = parse('name: x')
  expect(differences(a, parse('name: x'))).toEqual([])
  expect(differences(a, parse('name: y', ['training.epochs=1', 'data.labels=[a]']))).toEqual([
    'name',
    'data.labels',
    'training.epochs',
  ])
})
