/** Properties that each method promises, and calculations by hand. */
import { fromTypedArray, liveTensors, manualSeed, noGrad, randn, scope, type Tensor } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { LABELS, statistics, vectors } from '../../../test/model-example.js'
import { Classifier } from '../../models/classifier.js'
import type { Part } from '../../models/part.js'
import { explain } from '../explain.js'
import { gaussLegendre } from './integrated-gradients.js'

function make(backbone: string, head: Part, size: number, inChannels = 1): Classifier {
  manualSeed(5)
  const mean = new Array<number>(inChannels).fill(0.45)
  const std = new Array<number>(inChannels).fill(0.25)
  const model = new Classifier(
    { backbone: { name: backbone }, head, inChannels, size, labels: LABELS, mean, std },
    { statistics, vectors },
  )
  noGrad(() => {
    for (const [name, value] of model.stateDict()) {
      if (name.endsWith('running_mean')) value.normal_(0, 0.05)
      if (name.endsWith('running_var')) value.uniform_(0.8, 1.2)
    }
  })
  return model.eval()
}

const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0)

/** Light and shade without noise, [1, 1, size, size]. */
function waves(size: number): Tensor {
  const values = Float32Array.from({ length: size * size }, (_, at) => {
    return 1.5 * Math.sin((at % size) / 9) * Math.cos(Math.floor(at / size) / 7)
  })
  return fromTypedArray(values, [1, 1, size, size])
}

describe('integrated gradients', () => {
  // Of convolutions with ReLU, and of a transformer.
  test.each([
    ['guita_cnn', 64],
    ['vit_s_16', 64],
  ])('of %s sum to the difference of the logits within 1 %%', (backbone, size) => {
    scope(() => {
      const model = make(backbone, { name: 'linear' }, size)
      const pixels = waves(size)
      const black = fromTypedArray(new Float32Array(size * size).fill(-0.45 / 0.25), [1, 1, size, size])
      const [at, from] = noGrad(() => [pixels, black].map((image) => model.forward(image).toFlatArray()))
      // One per cent of nearly nothing cannot be reached.
      const labels = [0, 1, 2].filter((label) => Math.abs(at[label] - from[label]) > 0.1)
      expect(labels.length).toBeGreaterThan(0)
      const { heatmaps, completeness = [] } = explain(model, pixels, labels, {
        method: 'integrated-gradients',
        options: { baseline: 'black', tolerance: 0.005, most_steps: 128 },
      })
      labels.forEach((label, i) => {
        const difference = at[label] - from[label]
        expect(heatmaps[i].shape).toEqual([size, size])
        expect(Math.abs(sum(heatmaps[i].values) - difference)).toBeLessThan(0.01 * Math.abs(difference))
        expect(completeness[i].difference).toBeCloseTo(difference, 4)
        expect(completeness[i].sum).toBeCloseTo(sum(heatmaps[i].values), 4)
      })
    })
  })

  test('look at more points of the path until the sum is near enough, and no more than allowed', () => {
    scope(() => {
      const model = make('guita_cnn', { name: 'linear' }, 64)
      const pixels = randn([1, 1, 64, 64])
      const steps = (options: object): number => {
        const answer = explain(model, pixels, [0], {
          method: 'integrated-gradients',
          options: { ...options },
        })
        return answer.completeness?.[0].steps ?? NaN
      }
      // Four points on all of it, then on each half.
      expect(steps({ steps: 4, most_steps: 12, tolerance: 1e-9 })).toBe(12)
      expect(steps({ steps: 4, most_steps: 64, tolerance: 1 })).toBe(4)
    })
  })

  test('quadrature integrates polynomials of degree 2n - 1 exactly', () => {
    for (const count of [1, 2, 5, 32, 257]) {
      const { points, weights } = gaussLegendre(count)
      const degree = Math.min(2 * count - 1, 63)
      const integral = points.reduce((total, x, i) => total + weights[i] * x ** degree, 0)
      expect(integral).toBeCloseTo(1 / (degree + 1), 12)
      expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
    }
  })
})

describe('occlusion', () => {
  /** A network whose logits are weighted sums of the pixels, so that every number can be worked out by hand. */
  class Weighing extends Classifier {
    readonly #weights: Tensor
    constructor(weights: Tensor) {
      const parts = { backbone: { name: 'guita_cnn' }, head: { name: 'linear' } }
      super({ ...parts, inChannels: 1, size: 64, labels: ['one'], mean: [0], std: [1] })
      this.#weights = weights
    }
    override forward(pixels: Tensor): Tensor {
      return pixels.mul(this.#weights).flatten(1).sum(1, true)
    }
  }

  test('equals a calculation by hand', () => {
    scope(() => {
      // 4 x 4 pixels that count 1, 2, 3, … 16; only the first row has weight: 1, 1, 2, 0.
      const pixels = fromTypedArray(
        Float32Array.from({ length: 16 }, (_, i) => i + 1),
        [1, 1, 4, 4],
      )
      const weights = fromTypedArray(
        Float32Array.of(1, 1, 2, 0, ...new Array<number>(12).fill(0)),
        [1, 1, 4, 4],
      )
      const model = new Weighing(weights).eval()
      const options = { patch: 2, stride: 2, fill: 'black', batch: 3 }
      const { heatmaps } = explain(model, pixels, [0], { method: 'occlusion', options })
      // Upper left patch hides 1 * 1 + 1 * 2, upper right 2 * 3 + 0 * 4.
      expect([...heatmaps[0].values]).toEqual([3, 3, 6, 6, 3, 3, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0])
      const mean = explain(model, pixels, [0], { method: 'occlusion', options: { ...options, fill: 'mean' } })
      // The mean 8.5 in the place of 1 and 2, and of 3 (twice).
      expect([...mean.heatmaps[0].values].slice(0, 4)).toEqual([3 - 17, 3 - 17, 6 - 17, 6 - 17])
      // With a stride of 1 a pixel's value is the mean over the patches that cover it.
      const fine = explain(model, pixels, [0], { method: 'occlusion', options: { ...options, stride: 1 } })
      expect([...fine.heatmaps[0].values].slice(0, 4)).toEqual([3, (3 + 8) / 2, (8 + 6) / 2, 6])
      // A stride that does not divide: the last patch ends at the edge.
      const coarse = explain(model, pixels, [0], {
        method: 'occlusion',
        options: { ...options, patch: 3, stride: 3 },
      })
      expect([...coarse.heatmaps[0].values].slice(0, 4)).toEqual([9, (9 + 8) / 2, (9 + 8) / 2, 8])
    })
  })
})

describe('a linear layer on pooled features', () => {
  test('gives the same CAM, HiResCAM and, where all is positive, Grad-CAM, whose values sum to the logit', () => {
    scope(() => {
      const model = make('resnet18', { name: 'linear' }, 96)
      noGrad(() => {
        for (const [name, value] of model.stateDict()) {
          if (name === 'head.classifier.weight') value.copy_(value.abs())
          if (name === 'head.classifier.bias') value.fill_(0.25)
        }
      })
      const pixels = randn([1, 1, 96, 96])
      const of = (method: string): Float32Array[] =>
        explain(model, pixels, [0, 1, 2], { method }).heatmaps.map(({ values }) => values)
      const [cam, hires, gradCam] = ['cam', 'hires-cam', 'grad-cam'].map(of)
      const logits = noGrad(() => model.forward(pixels).toFlatArray())
      logits.forEach((logit, label) => {
        expect(sum(cam[label])).toBeCloseTo(logit - 0.25, 4)
        cam[label].forEach((value, at) => {
          expect(hires[label][at]).toBeCloseTo(value, 5)
          // The mean gradient is the weight over the positions.
          expect(gradCam[label][at]).toBeCloseTo(value, 5)
        })
      })
    })
  })

  test('is told from other heads', () => {
    scope(() => {
      const pixels = randn([1, 1, 64, 64])
      for (const head of ['cosine', 'mlp', 'ml_decoder']) {
        const model = make('guita_cnn', { name: head }, 64)
        expect(() => explain(model, pixels, [0], { method: 'cam' })).toThrow(
          `The head ${head} is no linear layer`,
        )
      }
    })
  })
})

describe('attention', () => {
  test.each(['location_attention', 'class_attention', 'query2label', 'ml_decoder', 'ldrnet', 'c_tran'])(
    'of %s sums to one over the map',
    (head) => {
      scope(() => {
        const model = make('guita_cnn', { name: head }, 64)
        const { heatmaps } = explain(model, randn([1, 1, 64, 64]), [2, 0], { method: 'attention' })
        for (const { shape, values } of heatmaps) {
          expect(shape).toEqual([16, 16])
          expect(sum(values)).toBeCloseTo(1, 5)
          expect(new Set(values).size).toBeGreaterThan(1)
        }
      })
    },
  )

  test('is refused where a head has none', () => {
    scope(() => {
      const model = make('guita_cnn', { name: 'linear' }, 64)
      expect(() => explain(model, randn([1, 1, 64, 64]), [0], { method: 'attention' })).toThrow(
        'The head linear has no attention maps',
      )
    })
  })
})

test('what cannot be is refused with what can', () => {
  scope(() => {
    const model = make('guita_cnn', { name: 'linear' }, 64)
    const ask = (asked: Parameters<typeof explain>[3]) => () =>
      explain(model, randn([1, 1, 64, 64]), [0], asked)
    expect(ask({ method: 'gradcam' })).toThrow("did you mean 'grad-cam'?")
    expect(ask({ method: 'occlusion', options: { path: 3 } })).toThrow(/path/)
    expect(ask({ method: 'grad-cam', stage: 9 })).toThrow('There is no stage 9: guita_cnn has')
    expect(ask({ method: 'occlusion', stage: 1 })).toThrow('looks at pixels')
    model.train()
    expect(ask({ method: 'grad-cam' })).toThrow('training mode')
  })
})

test('leaves no tensor and no gradient behind', () => {
  const model = make('guita_cnn', { name: 'ldrnet', feed_forward: 32 }, 64)
  const pixels = randn([1, 1, 64, 64])
  const before = liveTensors()
  const asked: Parameters<typeof explain>[3][] = [
    { method: 'grad-cam', stage: 1 },
    { method: 'hires-cam' },
    { method: 'integrated-gradients', options: { steps: 4, most_steps: 8 } },
    { method: 'occlusion', options: { patch: 32 } },
    { method: 'attention' },
  ]
  for (const each of asked) explain(model, pixels, [0, 1], each)
  expect(liveTensors()).toBe(before)
  expect(model.parameters().every(({ grad }) => grad === null)).toBe(true)
})
