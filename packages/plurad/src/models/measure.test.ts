import { scope } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { measureBackbone } from './measure.js'
import { backbones } from './registry.js'
import { sizes } from './sizes.js'

describe('the sizes of backbones', () => {
  test('are written down for every one: run scripts/model-sizes.mjs after a new one', () => {
    expect(Object.keys(sizes).sort()).toEqual(Object.keys(backbones).sort())
  })

  test.each(['resnet18', 'mobilenet_v3_small', 'guita_lstm', 'guita_cnn'])(
    'are still those of %s',
    (name) => {
      expect(scope(() => measureBackbone(name))).toEqual(sizes[name])
    },
  )

  // Gigaflops (multiply-adds) that torchvision 0.15 states in its weights' metadata.
  test.each([
    ['resnet50', 4.089],
    ['densenet121', 2.834],
    ['vgg16', 15.47],
    ['mobilenet_v2', 0.301],
    ['mobilenet_v3_large', 0.217],
    ['efficientnet_b0', 0.386],
    ['inception_v3', 5.713],
    ['convnext_tiny', 4.456],
    ['vit_b_16', 17.564],
    ['swin_t', 4.491],
  ])('%s takes the published %f billion multiply-adds', (name, published) => {
    expect(sizes[name].multiplyAdds / 1e9).toBeCloseTo(published, 2)
  })
})
