import { tensor } from '@plurad/torch'
import { describe, expect, test } from 'vitest'
import type { LossContext } from '../losses/define.js'
import { makeLoss } from '../losses/registry.js'
import { Objective } from './objective.js'

const context: LossContext = {
  labels: ['a', 'b', 'c'],
  statistics: { images: 2000, known: [2000, 2000, 2000], positives: [900, 60, 4], together: [] },
}
const logits = tensor([
  [0.4, -0.2, 0.1],
  [-0.3, 0.6, -0.5],
])
const targets = tensor([
  [1, 0, 0],
  [1, 1, 1],
])

describe('deferred re-weighting', () => {
  const deferred = { from_epoch: 5, beta: 0.9999 }

  test('of ldam is LDAM-DRW: without weights before its epoch, with class-balanced ones from then on', () => {
    const objective = new Objective({ name: 'ldam' }, context, { deferred, soft: false })
    const plain = makeLoss({ name: 'ldam' }, context)(logits, targets).item()
    const reweighted = makeLoss({ name: 'ldam', reweight: 0.9999 }, context)(logits, targets).item()
    const at = (epoch: number): number => objective.of({ logits }, targets, epoch).item()
    expect([at(1), at(4), at(5), at(9)]).toEqual([plain, plain, reweighted, reweighted])
    expect(reweighted).not.toBeCloseTo(plain, 2)
    // Validation goes on measuring the same.
    expect(objective.loss(logits, targets).item()).toBe(plain)
  })

  test('multiplies the label weights of the recipe, and reaches branches that learn with the same loss', () => {
    const objective = new Objective({ name: 'bce', label_weights: [2, 1, 1] }, context, {
      deferred,
      soft: false,
    })
    // (1 - beta) / (1 - beta^n) for n of 900, 60 and 4, scaled to a sum of 3.
    const raw = [900, 60, 4].map((count) => (1 - 0.9999) / (1 - 0.9999 ** count))
    const sum = raw.reduce((a, b) => a + b, 0)
    const weights = raw.map((weight, c) => ((3 * weight) / sum) * [2, 1, 1][c])
    const expected = makeLoss({ name: 'bce', label_weights: weights }, context)(logits, targets).item()
    const branches = [{ name: 'second', logits, weight: 0.5 }]
    expect(objective.of({ logits, branches }, targets, 5).item()).toBeCloseTo(1.5 * expected, 5)
  })
})

test('a loss that rounds labels is refused where they lie between, also of a branch', () => {
  const branches = [{ name: 'second', logits, weight: 1, loss: 'msml' }]
  const soft = new Objective({ name: 'bce' }, context, { deferred: null, soft: true })
  expect(() => soft.of({ logits, branches }, targets, 1)).toThrow(/branch of the head .* loss msml/)
  expect(() => new Objective({ name: 'zlpr' }, context, { deferred: null, soft: true })).toThrow(
    /The recipe learns with the loss zlpr, .* probabilities of a teacher, would be rounded/,
  )
  const hard = new Objective({ name: 'bce' }, context)
  expect(hard.of({ logits, branches }, targets, 1).item()).toBeGreaterThan(0)
})
