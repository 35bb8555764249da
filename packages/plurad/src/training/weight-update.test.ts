/** What stands round the optimiser; loss scaling, which needs CUDA to be trained with, on a function of the classifier's rows alone. */
import { manualSeed, noGrad, Parameter, scope, tensor, type Tensor } from '@plurad/torch'
import { expect, test } from 'vitest'
import { LABELS } from '../../test/model-example.js'
import { Classifier } from '../models/classifier.js'
import { parseRecipe } from '../recipe/recipe.js'
import { atTheStart } from './checkpoint.js'
import { WeightUpdate } from './weight-update.js'

const FLOAT32 = { dtype: 'float32', channelsLast: false } as const

function modelFor(changes: readonly string[]) {
  manualSeed(0)
  const part = { backbone: { name: 'guita_cnn' }, head: { name: 'linear' } }
  const model = new Classifier({ ...part, inChannels: 1, size: 32, labels: LABELS, mean: [0.5], std: [0.5] })
  return { model, settings: parseRecipe('name: test', 'test', [...changes]).training }
}

function make(dtype: 'float32' | 'float16') {
  const { model, settings } = modelFor([
    'training.sam={rho: 0.1}',
    'training.clip_norm=0.5',
    'training.optimizer.name=sgd',
  ])
  const update = new WeightUpdate(settings, model, null, { dtype, channelsLast: false })
  const weight = model.head.classifierRows()?.weight
  if (!weight) throw new Error('there are no rows')
  const pass = (factor = 1): void => {
    const loss: Tensor = scope(() => weight.pow(4).sum().mul(factor))
    update.backward(loss, 1)
    loss.dispose()
  }
  return { weight, update, pass }
}

test('scaling by a power of two changes nothing: the step up, the clipping and the step down are those of float32', () => {
  const outcomes = (['float32', 'float16'] as const).map((dtype) => {
    const { weight, update, pass } = make(dtype)
    for (let i = 0; i < 3; i++) {
      pass()
      update.step(0.1, pass)
    }
    return weight.toFlatArray()
  })
  expect(outcomes[1]).toEqual(outcomes[0])
  expect(outcomes[0]).not.toEqual(make('float32').weight.toFlatArray())
})

test.each(['first', 'second'])(
  'an infinite gradient in the %s pass: the weights are back, the scale is halved',
  (at) => {
    const { weight, update, pass } = make('float16')
    const before = weight.toFlatArray()
    let again = 0
    pass(at === 'first' ? Infinity : 1)
    update.step(0.1, () => {
      again++
      pass(at === 'second' ? Infinity : 1)
    })
    // From an infinite gradient there is no way up.
    expect(again).toBe(at === 'first' ? 0 : 1)
    expect(weight.toFlatArray()).toEqual(before)
    const progress = atTheStart()
    update.note(progress)
    expect(progress.scaler).toEqual({ scale: 2 ** 15, steady: 0 })
    pass()
    update.step(0.1, pass)
    expect(weight.toFlatArray()).not.toEqual(before)
  },
)

test('what the loss learns neither climbs nor is clipped, and takes its step from the second pass', () => {
  const { model, settings: pesg } = modelFor([
    'loss={name: auc_margin, mode: min_max}',
    'training.optimizer={name: pesg, momentum: 0, weight_decay: 0, proximal: 0}',
    'training.sam={rho: 0.1}',
    'training.clip_norm=1.0e-6',
  ])
  const alpha = new Parameter(tensor([1]))
  const update = new WeightUpdate(pesg, model, { minimised: {}, maximised: { alpha } }, FLOAT32)
  const seen: number[] = []
  const pass = (): void => {
    seen.push(alpha.item())
    const loss = scope(() => alpha.mul(3).sum())
    update.backward(loss, 1)
    loss.dispose()
  }
  pass()
  update.step(0.5, pass)
  expect(seen).toEqual([1, 1])
  // Uphill, by rate times gradient.
  expect(noGrad(() => alpha.item())).toBeCloseTo(2.5, 6)
})
