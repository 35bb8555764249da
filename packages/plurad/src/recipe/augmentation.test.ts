import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { readRecipe } from './read.js'

const read = (changes: string[]) => readRecipe('name: x', 'my.yaml', changes)

describe('augmentation in a recipe', () => {
  test('is nothing by default, and a preset by its name', () => {
    expect(read([]).augmentation).toEqual([])
    expect(read([]).mixing).toBeNull()
    const { augmentation } = read(['augmentation=radiograph'])
    expect(augmentation.map(({ name }) => name)).toEqual(['affine', 'contrast', 'gamma'])
    expect(augmentation[1]).toEqual({ name: 'contrast', p: 1, factor: [0.8, 1.1] })
  })

  test('reads back what a run writes', () => {
    const recipe = read(['augmentation=[fundus, {name: clahe, tiles: 4}]', 'mixing={name: cutmix}'])
    expect(readRecipe(stringify(recipe), 'recipe.yaml')).toEqual(recipe)
    expect(recipe.mixing).toEqual({ name: 'cutmix', alpha: 0.2, p: 1 })
  })

  test.each([
    [
      ['training.horizontal_flip=true'],
      /training\.horizontal_flip: there is no such key.*augmentation: \[horizontal_flip\]/,
    ],
    [
      ['training.random_shift=4'],
      /training\.random_shift: .*augmentation: \[\{name: random_shift, pixels: 4\}\]/,
    ],
    [['augmentation=[{name: rotation, degrees: -1}]'], /augmentation\.0: rotation\.degrees: .*found -1\n?$/],
    [['augmentation=[random_crop]', 'data.size=448'], /augmentation: random_crop .*such as to 512/],
    [['data.resize_to=100'], /data\.resize_to: expected at least data\.size, which is 224, found 100/],
    [['mixing={name: mixup, alpha: 0}'], /mixing\.alpha/],
  ])('refuses %j', (changes, message) => {
    expect(() => read(changes)).toThrow(message)
  })

  test('takes a cut out of a larger image', () => {
    const { data } = read(['augmentation=[random_crop]', 'data.size=448', 'data.resize_to=512'])
    expect(data.resize_to).toBe(512)
  })
})
