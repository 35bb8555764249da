/** That the contract of test/model-contract.ts refuses networks that are wrong. */
import { randn, scope, type Tensor } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import { checks, makeClassifier, makeImages, settle, withoutGradient } from '../../test/model-contract.js'
import type { Features } from './backbone.js'
import type { Classifier } from './classifier.js'

type Check = keyof typeof checks

/**
 * A network of two convolutions whose backbone does something else with what it is given, or finds. One that is read back from
 * a file does not: a difference in evaluation is found there, too.
 */
function make(spoil: (pixels: Tensor, forward: (pixels: Tensor) => Tensor) => Tensor): Classifier {
  const model = makeClassifier('guita_cnn', { name: 'linear' }, 3, 64)
  const { backbone } = model
  const forward = backbone.forward.bind(backbone)
  backbone.forward = (pixels): Features => {
    const map = spoil(pixels, (x) => forward(x).map)
    return { map, stages: [map], token: null }
  }
  return model
}

const ALL = Object.keys(checks) as Check[]
const BATCH: Check = 'evaluation does not depend on the batch'
const FILE: Check = 'comes back from a file with the same logits, without what it was initialised with'
const BFLOAT16: Check = 'bfloat16 gives nearly the same'
const LAYOUT: Check = 'channels_last gives the same'
const TRAINING: Check = 'training depends on the batch or on chance where a part says so'

function failuresOf(model: Classifier): Check[] {
  return scope(() => {
    const batch = makeImages(8, model)
    settle(model, batch)
    return ALL.filter((name) => {
      try {
        scope(() => {
          checks[name](model, batch)
        })
        return false
      } catch (error) {
        // That of an expectation, not of what a network was made to do.
        if (error instanceof Error && error.name === 'AssertionError') return true
        throw error
      }
    })
  })
}

describe('the contract', () => {
  test('lets a sound network pass', () => {
    expect(failuresOf(makeClassifier('guita_cnn', { name: 'linear' }, 3, 64))).toEqual([])
  })

  test.each<[string, (pixels: Tensor, forward: (pixels: Tensor) => Tensor) => Tensor, Check[]]>([
    ['ignores its input', (x, forward) => forward(x.mul(0)), ALL],
    [
      'sees nothing but rounding errors of its input',
      (x, forward) => forward(x.mul(0)).add(forward(x).mul(1e-7)),
      ALL,
    ],
    [
      'reads channels_last as if it were not',
      (x, forward) => forward(x.isContiguous() ? x : x.permute(0, 2, 3, 1).reshape(...x.shape)),
      [LAYOUT],
    ],
    [
      // Pooling does not see it.
      'swaps rows and columns of the map in channels_last',
      (x, forward) => (x.isContiguous() ? forward(x) : forward(x).transpose(2, 3)),
      [LAYOUT],
    ],
    [
      'makes noise of bfloat16',
      (x, forward) => {
        const map = forward(x)
        return map.dtype === 'bfloat16' ? randn(map.shape) : map
      },
      [BFLOAT16],
    ],
    [
      'computes bfloat16 without half of its map',
      (x, forward) => {
        const map = forward(x)
        return map.dtype === 'bfloat16' ? map.mul(randn([1, map.size(1), 1, 1]).gt(0)) : map
      },
      [BFLOAT16],
    ],
    [
      'looks at the other images of a batch',
      (x, forward) => {
        const map = forward(x)
        return map.sub(map.mean([0], true).mul(0.01))
      },
      [BATCH, FILE],
    ],
    ['does something that its weights do not say', (x, forward) => forward(x).mul(1.001), [FILE]],
  ])('refuses one that %s', (_what, spoil, expected) => {
    expect(failuresOf(make(spoil))).toEqual(expected)
  })

  test('refuses one that trains as it evaluates', () => {
    const model = makeClassifier('guita_cnn', { name: 'linear' }, 3, 64)
    model.keepInEvaluation([...model.namedModules()].map(([, part]) => part).filter((part) => part !== model))
    expect(failuresOf(model)).toEqual([TRAINING])
  })

  test('names the parameters that learn nothing', () => {
    scope(() => {
      const model = make((x, forward) => forward(x).detach())
      const names = [...model.namedParameters()].map(([name]) => name)
      expect(withoutGradient(model, makeImages(4, model))).toEqual(
        names.filter((name) => name.startsWith('backbone.')),
      )
    })
  })
})
