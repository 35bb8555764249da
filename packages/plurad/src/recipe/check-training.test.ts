import { describe, expect, test } from 'vitest'
import { losses, takesSoftTargets } from '../losses/registry.js'
import { parseRecipe } from './recipe.js'

const parse = (...changes: string[]): unknown => parseRecipe('name: test', 'test.yaml', changes)

describe('settings that do not go together are refused', () => {
  test.each(Object.keys(losses))('mixing and smoothing with %s: where labels would be rounded', (name) => {
    const changes = [`loss={name: ${name}}`]
    const mixed = (): unknown => parse(...changes, 'mixing={name: balanced_mixup}')
    const smoothed = (): unknown => parse(...changes, 'training.label_smoothing=0.1')
    if (takesSoftTargets(name)) {
      mixed()
      smoothed()
      return
    }
    expect(mixed).toThrow(
      `test.yaml: mixing balanced_mixup makes labels between absent and present, which the loss ${name} would round`,
    )
    expect(mixed).toThrow(/Use mixing=null, or one of the losses bce, mae,/)
    expect(smoothed).toThrow(/^test.yaml: training.label_smoothing makes .* Use training.label_smoothing=0/)
    parse(...changes)
  })

  test('the min-max AUC margin and its optimiser: only together, and not re-weighted', () => {
    const saddle = 'loss={name: auc_margin, mode: min_max}'
    const pesg = 'training.optimizer.name=pesg'
    parse(saddle, pesg)
    expect(() => parse(saddle)).toThrow(/which adam cannot learn: set training.optimizer.name to pesg/)
    expect(() => parse(pesg)).toThrow(
      /pesg is for a loss with variables .* \{name: auc_margin, mode: min_max\}/,
    )
    expect(() => parse(saddle, pesg, 'training.deferred_reweighting={from_epoch: 2}')).toThrow(
      /lose its variables/,
    )
  })

  test('weights that would never come', () => {
    parse('training.deferred_reweighting={from_epoch: 20}')
    expect(() => parse('training.deferred_reweighting={from_epoch: 21}')).toThrow(
      'from_epoch is 21, but there are 20 epochs: it would never begin',
    )
  })

  test('also where a stage brings them together', () => {
    expect(() =>
      parse('loss={name: zlpr}', 'stages=[{name: supervised, recipe: {mixing: {name: mixup}}}]'),
    ).toThrow(/mixing mixup makes .* the loss zlpr would round/)
  })
})
