import { type nn, noGrad, ones, scope, zeros } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { measureBackbone } from './measure.js'
import { backbones, makeBackbone } from './registry.js'
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

  // What torchvision has not: counts with 1,000 classes of timm 1.0's table of results (millions).
  test.each([
    ['vit_s_16', 22.05, 4.61],
    ['swin_l', 196.53, 34.53],
    ['inception_resnet_v2', 55.84, 13.18],
  ])('%s has the published %f million parameters', (name, parameters, multiplyAdds) => {
    expect(sizes[name].parameters / 1e6).toBeCloseTo(parameters, 2)
    expect(Math.abs(sizes[name].multiplyAdds / 1e9 / multiplyAdds - 1)).toBeLessThan(0.005)
    expect(scope(() => measureBackbone(name).parameters)).toBe(sizes[name].parameters)
  })
})

/** Channels and sides of the maps of the papers' tables. */
test.each([
  [
    'inception_resnet_v2',
    299,
    [
      [64, 147],
      [192, 71],
      [320, 35],
      [1088, 17],
      [1536, 8],
    ],
  ],
  [
    'swin_l',
    224,
    [
      [192, 56],
      [384, 28],
      [768, 14],
      [1536, 7],
    ],
  ],
  [
    'resnet3d50',
    64,
    [
      [256, 16],
      [512, 8],
      [1024, 4],
      [2048, 2],
    ],
  ],
] as const)('%s has the maps of its paper', (name, size, expected) => {
  scope(() => {
    const { dims } = backbones[name]
    const network = makeBackbone({ name }, { inChannels: 1, size }).eval()
    const maps = noGrad(() => network.forward(zeros([1, 1, ...new Array<number>(dims).fill(size)])).stages)
    expect(maps.map(({ shape }) => [shape[1], shape.at(-1)])).toEqual(expected)
  })
})

test('Inception-ResNet-V2 averages over the pixels that there are: no edge in a map without one', () => {
  scope(() => {
    const network = makeBackbone({ name: 'inception_resnet_v2' }, { inChannels: 1, size: 75 }).eval()
    const [, mixed] = [...network.namedModules()].find(([key]) => key === 'mixed_5b') ?? []
    const map = noGrad(() => (mixed as nn.Module).forward(ones([1, 192, 5, 5])))
    // The branch of the mean comes last; the others pad with zeros.
    const means = map.slice(1, 256).flatten(2)
    expect(
      means
        .sub(means.slice(2, 0, 1))
        .abs()
        .max()
        .item(),
    ).toBeLessThan(1e-6)
    expect(means.abs().max().item()).toBeGreaterThan(1e-3)
    const others = map.slice(1, 0, 256).flatten(2)
    expect(
      others
        .sub(others.slice(2, 0, 1))
        .abs()
        .max()
        .item(),
    ).toBeGreaterThan(1e-3)
  })
})
