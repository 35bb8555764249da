import { describe, expect, test } from 'vitest'
import { RecipeError } from '../errors.js'
import { checkPart, lookUp, backbones, makeBackbone } from './registry.js'

describe('a part', () => {
  test('that is misspelt is answered with the nearest name', () => {
    expect(() => lookUp(backbones, 'backbone', 'densnet121')).toThrow(RecipeError)
    expect(() => lookUp(backbones, 'backbone', 'densnet121')).toThrow(/did you mean 'densenet121'/)
    expect(() => lookUp(backbones, 'backbone', 'toString')).toThrow(RecipeError)
  })

  test('with an unknown or wrong option is refused, and told which there are', () => {
    expect(() => checkPart('backbone', { name: 'resnet18', droppath: 0.1 })).toThrow(
      /backbone resnet18 has no option 'droppath'.*drop_path/,
    )
    expect(() => checkPart('backbone', { name: 'resnet18', drop_path: 2 })).toThrow(/drop_path/)
    expect(() => checkPart('head', { name: 'published', width: 3 })).toThrow(/It has none/)
  })

  test('that cannot take the size is refused', () => {
    expect(() => makeBackbone({ name: 'vit_b_16' }, { inChannels: 1, size: 100 })).toThrow(/multiple of 16/)
    expect(() => makeBackbone({ name: 'inception_v3' }, { inChannels: 1, size: 64 })).toThrow(/at least 75/)
  })
})
