import { describe, expect, it } from 'vitest'
import { bestEpoch, keptEpoch, parseHistory } from './history.js'

describe('parseHistory', () => {
  it('takes the last line of an epoch, sorts, and counts lines that are cut off', () => {
    const text = [
      '{"epoch":2,"train_loss":2}',
      '{"epoch":1}',
      '{"epoch":2,"train_loss":3}',
      '',
      '{"epoch":3,"tra',
    ].join('\n')
    expect(parseHistory(text)).toEqual({
      stages: [{ name: null, epochs: [{ epoch: 1 }, { epoch: 2, train_loss: 3 }] }],
      damaged: 1,
    })
  })

  it('keeps stages apart and in their order', () => {
    const text = '{"stage":"1-a","epoch":1}\n{"stage":"2-b","epoch":1}\n{"stage":"1-a","epoch":2}\n'
    expect(
      parseHistory(text).stages.map(({ name, epochs }) => [name, epochs.map(({ epoch }) => epoch)]),
    ).toEqual([
      ['1-a', [1, 2]],
      ['2-b', [1]],
    ])
  })
})

describe('bestEpoch', () => {
  it('is the first of the highest, without epochs that were not validated', () => {
    const epochs = [null, 0.7, 0.8, undefined, 0.8].map((auc, i) => ({ epoch: i + 1, val_macro_auc: auc }))
    expect(bestEpoch(epochs, 'macro_auc')?.epoch).toBe(3)
    expect(bestEpoch([{ epoch: 1 }], 'macro_auc')).toBeNull()
  })

  it('is the one of the lowest loss where that is monitored', () => {
    const epochs = [0.5, 0.3, 0.4].map((loss, i) => ({ epoch: i + 1, val_loss: loss, val_macro_auc: i }))
    expect(bestEpoch(epochs, 'loss')?.epoch).toBe(2)
  })
})

describe('keptEpoch', () => {
  const epochs = [0.7, 0.9, 0.8].map((auc, i) => ({ epoch: i + 1, val_macro_auc: auc }))

  it('is what the run recorded, whichever epoch has the highest AUC', () => {
    expect(keptEpoch(epochs, 'macro_auc', 3)?.epoch).toBe(3)
    expect(keptEpoch(epochs, 'macro_auc', null)).toBeNull()
  })

  it('is the best so far of a run that has not got there', () => {
    expect(keptEpoch(epochs, 'macro_auc', undefined)?.epoch).toBe(2)
  })
})
