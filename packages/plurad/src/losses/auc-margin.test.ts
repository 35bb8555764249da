/** The min-max form: against make.py, and its saddle point against the closed form. */
import { readFileSync } from 'node:fs'
import { noGrad, optim, scope, tensor, type Parameter } from '@plurad/torch'
import { expect, test } from 'vitest'
import type { Loss, LossContext } from './define.js'
import { makeLoss } from './registry.js'

const { batches, saddle } = JSON.parse(
  readFileSync(new URL('../../test/fixtures/losses/losses.json', import.meta.url), 'utf8'),
) as {
  batches: Record<string, { logits: number[]; targets: (number | null)[]; images: number }>
  saddle: {
    batch: string
    variables: number[][]
    value: number
    gradients: number[][]
    gradient: number[]
  }
}

const context: LossContext = {
  labels: ['a', 'b', 'c', 'd'],
  statistics: { images: 4, known: [4, 4, 4, 4], positives: [1, 1, 1, 1], together: [] },
}

const { logits, targets, images } = batches[saddle.batch]
const x = () => tensor(logits, { dtype: 'float64' }).reshape(images, -1)
const y = () =>
  tensor(
    targets.map((target) => target ?? NaN),
    { dtype: 'float64' },
  ).reshape(images, -1)

function variablesOf(loss: Loss): [Parameter, Parameter, Parameter] {
  const { minimised, maximised } = loss.variables ?? { minimised: {}, maximised: {} }
  return [minimised['a'], minimised['b'], maximised['alpha']]
}

function expectNumbers(found: readonly number[], expected: readonly number[], digits: number): void {
  expect(found).toHaveLength(expected.length)
  found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], digits))
}

test('at given a, b and alpha: value and gradients of the formula written as loops', () => {
  const loss = makeLoss({ name: 'auc_margin', mode: 'min_max' }, context)
  const variables = variablesOf(loss)
  noGrad(() => variables.forEach((variable, i) => variable.copy_(tensor(saddle.variables[i]))))
  const at = x().requiresGrad_()
  const value = loss(at, y())
  value.backward()
  expect(value.item()).toBeCloseTo(saddle.value, 6)
  expectNumbers(at.grad?.toFlatArray() ?? [], saddle.gradient, 6)
  variables.forEach((variable, i) =>
    expectNumbers(variable.grad?.toFlatArray() ?? [], saddle.gradients[i], 6),
  )
})

test('PESG finds the saddle point, where it is the closed form', () => {
  const loss = makeLoss({ name: 'auc_margin', mode: 'min_max', margin: 0.8 }, context)
  const [a, b, alpha] = variablesOf(loss)
  const optimizer = new optim.PESG(
    [
      { parameters: [a, b], lr: 1, proximal: 0 },
      { parameters: [alpha], lr: 1, ascend: true },
    ],
    {},
  )
  for (let step = 0; step < 200; step++) {
    scope(() => loss(x(), y())).backward()
    optimizer.step()
    optimizer.zeroGrad()
  }
  const closed = makeLoss({ name: 'auc_margin', margin: 0.8 }, context)
  expect(loss(x(), y()).item()).toBeCloseTo(closed(x(), y()).item(), 6)
  const h = x().sigmoid().toFlatArray()
  const meanOf = (label: number, present: number): number => {
    const chosen = h.filter((_, i) => i % 4 === label && targets[i] === present)
    return chosen.reduce((sum, value) => sum + value, 0) / chosen.length
  }
  const means = [1, 0].map((present) => [0, 1, 2, 3].map((label) => meanOf(label, present)))
  expectNumbers(a.toFlatArray(), means[0], 5)
  expectNumbers(b.toFlatArray(), means[1], 5)
  const gaps = means[0].map((up, label) => Math.max(0, 0.8 + means[1][label] - up))
  expectNumbers(alpha.toFlatArray(), gaps, 5)
})
