/** What recipes may say of backbones and heads, and what they may not. */
import { manualSeed, nn, noGrad, randn, scope, type Tensor } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { RecipeError } from '../errors.js'
import { Classifier } from './classifier.js'
import type { Part } from './part.js'
import { backbones, checkNetwork } from './registry.js'

function make(backbone: Part, head: Part = { name: 'linear' }, size = 32): Classifier {
  manualSeed(0)
  const labels = ['a', 'b', 'c']
  return new Classifier({ backbone, head, inChannels: 1, size, labels, mean: [0], std: [1] })
}

const stochastic = (model: Classifier): number[] =>
  Array.from(model.namedModules(), ([, part]) => part)
    .filter((part) => part instanceof nn.StochasticDepth)
    .map(({ p }) => p)

describe('stochastic depth', () => {
  const light = [
    'resnet18',
    'resnet50',
    'resnet3d18',
    'efficientnet_b0',
    'convnext_tiny',
    'vit_s_16',
    'swin_t',
  ]
  test.each(light)('%s: rises from none to the largest, block by block', (name) => {
    scope(() => {
      const rates = stochastic(make({ name, drop_path: 0.4 }))
      expect(rates[0]).toBe(0)
      expect(rates).toEqual([...rates].sort((a, b) => a - b))
      // EfficientNet's last is one step short of it, as torchvision has it.
      expect(rates.at(-1)).toBeGreaterThan(0.37)
      expect(Math.max(...rates)).toBeLessThanOrEqual(0.4)
      expect(Math.max(...stochastic(make({ name, drop_path: 0 })))).toBe(0)
    })
  })

  test('drops the whole branch of a block: what is left is its shortcut', () => {
    scope(() => {
      const x = randn([8, 1, 32, 32])
      const through = (drop: number): Tensor => {
        const model = make({ name: 'resnet18', drop_path: drop }).train()
        return noGrad(() => model.backbone.forward(x).stages[1])
      }
      // The first block of the second stage is dropped for about half of the images, the others are scaled.
      expect(through(0).sub(through(0)).abs().max().item()).toBe(0)
      expect(through(0.99).sub(through(0)).abs().max().item()).toBeGreaterThan(0.1)
    })
  })

  test('is no option where there is no branch to drop, and dropout none where none was published', () => {
    const options = (name: string): string[] => Object.keys(backbones[name].options.shape)
    for (const name of ['densenet121', 'vgg16', 'mobilenet_v2', 'inception_v3'])
      expect(options(name)).toEqual(['dropout'])
    for (const name of ['vit_s_16', 'swin_t', 'convnext_tiny']) expect(options(name)).toEqual(['drop_path'])
    expect(() => make({ name: 'vgg16', drop_path: 0.1 })).toThrow(/has no option 'drop_path'/)
  })
})

describe('dropout', () => {
  test('of the published classifier is refused where another head takes its place', () => {
    const backbone = { name: 'densenet121', dropout: 0.2 }
    expect(() => checkNetwork(backbone, { name: 'linear' })).toThrow(RecipeError)
    expect(() => checkNetwork(backbone, { name: 'linear' })).toThrow(/model\.head=\{name: linear, dropout/)
    expect(() => checkNetwork(backbone, { name: 'published' })).not.toThrow()
  })

  test('of the linear head makes training differ from evaluation', () => {
    scope(() => {
      const model = make({ name: 'guita_cnn' }, { name: 'linear', dropout: 0.5 })
      const map = randn([4, model.backbone.featureChannels, 2, 2])
      const input = { map, stages: [map], token: null, pixels: map, metadata: null, known: null }
      const once = (): number[] => noGrad(() => model.head.forward(input)).logits.toFlatArray()
      model.train()
      expect(once()).not.toEqual(once())
      model.eval()
      expect(once()).toEqual(once())
    })
  })
})

describe('shortcuts without weights', () => {
  test("make MedicalNet's ResNet-18 of 32,986,176 weights", () => {
    scope(() => {
      // Its classifier and the norms' statistics aside.
      const { backbone } = make({ name: 'resnet3d18', shortcut: 'padding' })
      expect(backbone.parameters().reduce((sum, { numel }) => sum + numel, 0)).toBe(32_986_176)
      expect([...backbone.stateDict().keys()].filter((key) => key.includes('downsample'))).toEqual([])
    })
  })

  test('take every other position, and zeros for new channels', () => {
    scope(() => {
      const { backbone } = make({ name: 'resnet18', shortcut: 'padding' })
      const [, block] = [...backbone.namedModules()].find(([key]) => key === 'layer2.0.downsample') ?? []
      const x = randn([2, 64, 4, 4])
      const out = (block as nn.Module).forward(x)
      expect(out.shape).toEqual([2, 128, 2, 2])
      const every = (part: Tensor): number[] => part.contiguous().toFlatArray()
      expect(every(out.slice(1, 0, 64))).toEqual(every(x.slice(2, 0, 4, 2).slice(3, 0, 4, 2)))
      expect(out.slice(1, 64).abs().max().item()).toBe(0)
    })
  })
})

test('a backbone of volumes is refused by recipes, which have only images', () => {
  expect(() => checkNetwork({ name: 'resnet3d18' }, { name: 'linear' })).toThrow(/resnet3d18 reads volumes/)
})

describe('heads of attention', () => {
  test.each([
    { name: 'query2label', dim: 10 },
    { name: 'ldrnet', dim: 30, heads: 8 },
    { name: 'c_tran', dim: 10, heads: 3 },
    { name: 'ml_decoder', dim: 12 },
  ])('that do not divide the width are refused before anything is read: %o', (head) => {
    expect(() => checkNetwork({ name: 'resnet18' }, head)).toThrow(
      new RegExp(`head ${head.name}: option heads: dim has to be a multiple of it`),
    )
  })

  test.each(['ldrnet', 'c_tran'])('%s: fewer of them where the width of the backbone asks for it', (name) => {
    scope(() => {
      const head = name === 'ldrnet' ? { name, prompt: false } : { name }
      const model = make({ name: 'guita_cnn', out_channels: 6 }, head).eval()
      expect(noGrad(() => model.forward(randn([2, 1, 32, 32]))).shape).toEqual([2, 3])
    })
  })

  test('that cannot be made for the backbone are an error of the recipe', () => {
    const make3d = (): Classifier => make({ name: 'resnet3d18' }, { name: 'class_attention', local: 'crop' })
    expect(make3d).toThrow(RecipeError)
    expect(make3d).toThrow(/head class_attention cannot be made so: crop works on images, not volumes/)
  })
})
