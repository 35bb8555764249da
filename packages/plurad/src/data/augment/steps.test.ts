import { describe, expect, it } from 'vitest'
import { preprocessingWith } from '../preprocessing.js'
import { augmentationSchema, loadedFor } from './steps.js'

const problems = (given: unknown): string => {
  const parsed = augmentationSchema.safeParse(given)
  return parsed.success
    ? ''
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n')
}

describe('augmentationSchema', () => {
  it('fills in what is left out', () => {
    expect(augmentationSchema.parse(['horizontal_flip', { name: 'rotation', degrees: 5 }])).toEqual([
      { name: 'horizontal_flip', p: 0.5 },
      { name: 'rotation', p: 1, degrees: 5, fill: 'black' },
    ])
    expect(augmentationSchema.parse([])).toEqual([])
  })

  it.each([
    ['radiografs', /0: there is no augmentation 'radiografs'.*"radiograph"/],
    [['rotate'], /0: there is no augmentation 'rotate'.*Known: horizontal_flip/],
    [{ rotation: 5 }, /expected a list of operations or a preset \(radiograph/],
    [[{ degrees: 5 }], /0: expected an operation such as/],
    [['rotation', { name: 'rotation', degree: 5 }], /1: rotation\.degree: there is no such key.*"degrees"/],
    [[{ name: 'rotation', degrees: 500 }], /0: rotation\.degrees: .*180, found 500$/],
    [[{ name: 'gamma', range: [2, 1] }], /0: gamma\.range: expected the lower number first/],
    [[{ name: 'random_crop', p: 0.5 }], /0: random_crop\.p: there is no such key.*none here/],
    [['random_crop', 'random_resized_crop'], /random_crop and random_resized_crop both cut/],
    [7, /expected a list/],
  ])('refuses %j', (given, message) => {
    expect(problems(given)).toMatch(message)
  })
})

describe('loadedFor', () => {
  const cutting = preprocessingWith({ size: 448, resize_to: 512 })

  it('loads images whole where a step cuts them', () => {
    const whole = { ...cutting, size: 512, resize_to: null }
    expect(loadedFor(augmentationSchema.parse(['rotation', 'random_crop']), cutting)).toEqual(whole)
    expect(loadedFor(augmentationSchema.parse('fundus'), cutting)).toEqual(cutting)
  })

  it('changes nothing where there is nothing to cut', () => {
    const plain = preprocessingWith({ size: 448 })
    expect(loadedFor(augmentationSchema.parse(['random_resized_crop']), plain)).toEqual(plain)
  })
})
