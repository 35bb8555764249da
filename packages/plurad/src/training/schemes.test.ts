/** What SAM, moving averages, PESG, Balanced-MixUp and label smoothing do to a training, and that it can be interrupted. */
import { loadSafetensors } from '@plurad/torch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeStageExample, type StageExample } from '../../test/stage-example.js'
import type { HistoryRow } from './history.js'
import { SupervisedStage } from './stages/supervised.js'
import type { StageContext } from './stages/stage.js'

let example: StageExample
beforeAll(async () => {
  example = await makeStageExample()
})
afterAll(() => example.close())

interface Outcome {
  weights: Map<string, number[]>
  history: Partial<HistoryRow>[]
  /** Of the last checkpoint. */
  checkpoint: Map<string, number[]>
  best: Map<string, number[]>
}

const valuesOf = (tensors: ReadonlyMap<string, { toFlatArray(): number[] }>): Map<string, number[]> =>
  new Map([...tensors].map(([key, value]) => [key, value.toFlatArray()]))

/** @param stops the stage is stopped after so many batches, and made anew, again and again */
async function train(changes: readonly string[], stops: number | null = null): Promise<Outcome> {
  const { folder } = example.context(changes)
  for (;;) {
    const context: StageContext = { ...example.context(changes), folder }
    let batches = 0
    const hooks = {
      post: ({ kind }: { kind: string }) => {
        if (kind === 'batch' || kind === 'evaluating') batches++
      },
      get stopped() {
        return stops !== null && batches >= stops
      },
    }
    const stage = new SupervisedStage({ ...context, hooks })
    if (!(await stage.run())) continue
    const history = stage.history.map(({ seconds: _, images_per_second: __, ...row }) => row)
    return {
      weights: valuesOf(context.model.stateDict()),
      history,
      checkpoint: valuesOf(loadSafetensors(folder.lastCheckpoint).tensors),
      best: valuesOf(loadSafetensors(folder.bestCheckpoint).tensors),
    }
  }
}

const PESG = [
  'loss={name: auc_margin, mode: min_max}',
  'training.optimizer.name=pesg',
  'training.sampler=class-aware',
]

describe('a training that is interrupted again and again ends the same', () => {
  const settings: Record<string, string[]> = {
    'with SAM over several batches and a moving average': [
      'training.sam={}',
      'training.ema={decay: 0.9}',
      'training.accumulate=2',
      'training.batch_size=2',
      'model.head=mlp',
    ],
    'with PESG, and a rate that falls': [
      ...PESG,
      'training.epochs=4',
      'training.schedule.patience=0',
      'training.monitor=loss',
    ],
    'with Balanced-MixUp, smoothing, deferred weights and augmentation': [
      'mixing={name: balanced_mixup, p: 0.8}',
      'augmentation=[horizontal_flip, {name: rotation}, gaussian_noise]',
      'training.label_smoothing=0.1',
      'training.deferred_reweighting={from_epoch: 2}',
      'training.ema={}',
    ],
  }
  test.each(Object.entries(settings))('%s', async (_, changes) => {
    const whole = await train(changes)
    const rates = new Set(whole.history.map((row) => row.learning_rate))
    expect(rates.size > 1).toBe(changes.includes('training.schedule.patience=0'))
    expect(await train(changes, 2)).toEqual(whole)
  })
})

describe('SAM', () => {
  test('takes batch norm’s statistics in once a step', async () => {
    const tracked = async (changes: string[]): Promise<(number | undefined)[]> => {
      const { weights, history } = await train(['training.epochs=1', 'training.batch_size=5', ...changes])
      return [weights.get('backbone.features.0.1.num_batches_tracked')?.[0], history[0].step]
    }
    const plain = await tracked([])
    expect(plain[0]).toBe(plain[1])
    expect(await tracked(['training.sam={}'])).toEqual(plain)
  })

  test('goes through all batches of a step: halves of a batch give what the batch gives', async () => {
    const settings = [
      'model.backbone=guita_lstm',
      'training.sam={rho: 0.5}',
      'training.sampler=sequential',
      'training.epochs=1',
    ]
    const whole = await train([...settings, 'training.batch_size=4'])
    const halves = await train([...settings, 'training.batch_size=2', 'training.accumulate=2'])
    const plain = await train([...settings, 'training.batch_size=4', 'training.sam=null'])
    const farthest = (a: Outcome, b: Outcome): number =>
      Math.max(
        ...[...a.weights].flatMap(([key, values]) =>
          values.map((value, i) => Math.abs(value - (b.weights.get(key)?.[i] ?? NaN))),
        ),
      )
    expect(farthest(whole, halves)).toBeLessThan(1e-6)
    expect(farthest(whole, plain)).toBeGreaterThan(1e-4)
  })
})

describe('a moving average', () => {
  test('that forgets all at once is no average', async () => {
    const plain = await train([])
    const average = await train(['training.ema={decay: 0}'])
    expect([average.weights, average.history]).toEqual([plain.weights, plain.history])
  })

  test('is what is validated and kept, while training goes on with the weights', async () => {
    const plain = await train(['training.epochs=1'])
    const { checkpoint, best, weights, history } = await train([
      'training.epochs=1',
      'training.ema={decay: 0.9}',
    ])
    // In the order of the model, which is that of its average.
    const keys = [...weights.keys()].filter((key) => !/running_|num_batches/.test(key))
    keys.forEach((key, i) => expect(best.get(key)).toEqual(checkpoint.get(`other.average.${i}`)))
    expect(weights).toEqual(best)
    for (const key of weights.keys()) expect(checkpoint.get(`model.${key}`)).toEqual(plain.best.get(key))
    expect(best).not.toEqual(plain.best)
    expect(history[0].train_loss).toBe(plain.history[0].train_loss)
    expect(history[0].val_loss).not.toBe(plain.history[0].val_loss)
  })
})

test('PESG keeps a, b and alpha of every label in the checkpoint, none of them in the model', async () => {
  const { checkpoint, best } = await train(PESG)
  const own = ['a', 'b', 'alpha'].map((name) => checkpoint.get(`other.loss.${name}`) ?? [])
  const labels = best.get('head.classifier.bias')?.length
  own.forEach((values) => expect(values).toHaveLength(labels ?? NaN))
  for (const values of own) expect(values.some((value) => value > 0)).toBe(true)
  expect(Math.min(...own[2])).toBeGreaterThanOrEqual(0)
  expect([...best.keys()].some((key) => key.includes('alpha'))).toBe(false)
})

test('Balanced-MixUp that mixes no batch is training without it; else it is not', async () => {
  const plain = await train([])
  const never = await train(['mixing={name: balanced_mixup, p: 0}'])
  const always = await train(['mixing={name: balanced_mixup}'])
  expect([never.weights, never.history]).toEqual([plain.weights, plain.history])
  expect(always.weights).not.toEqual(plain.weights)
})

test('label smoothing is that of bce, in training alone', async () => {
  const [everywhere, training, none] = await Promise.all([
    train(['loss={name: bce, label_smoothing: 0.2}', 'training.epochs=1']),
    train(['training.label_smoothing=0.2', 'training.epochs=1']),
    train(['training.epochs=1']),
  ])
  expect(training.history[0].train_loss).toBeCloseTo(everywhere.history[0].train_loss ?? NaN, 5)
  expect(training.history[0].train_loss).not.toBeCloseTo(none.history[0].train_loss ?? NaN, 3)
  expect(training.history[0].val_macro_auc).toBe(everywhere.history[0].val_macro_auc)
  expect(training.history[0].val_loss).not.toBeCloseTo(everywhere.history[0].val_loss ?? NaN, 3)
})

test('mixed labels are refused by a head that is shown some of them', () => {
  const context = example.context(['model.head={name: c_tran, dim: 8}', 'mixing={name: mixup}'])
  expect(() => new SupervisedStage(context)).toThrow(/mixing mixup: the head c_tran is shown some labels/)
})
