import { describe, expect, it } from 'vitest'
import { bestEpoch, parseHistory } from './history.js'

describe('parseHistory', () => {
  it('takes the last line of an epoch, sorts, and counts lines that are cut off', () => {
    const text = [
      '{"epoch":2,"train_loss":2}',
      '{"epoch":1}',
      '{"epoch":2,"train_loss":3}',
      '',
      '{"epoch":3,"tra',
    ].join('\n')
    expect(parseHistory(text)).toEqual({ epochs: [{ epoch: 1 }, { epoch: 2, train_loss: 3 }], damaged: 1 })
  })
})

describe('bestEpoch', () => {
  it('is the first of the highest, without epochs that were not validated', () => {
    const epochs = [null, 0.7, 0.8, undefined, 0.8].map((auc, i) => ({ epoch: i + 1, val_macro_auc: auc }))
    expect(bestEpoch(epochs)?.epoch).toBe(3)
    expect(bestEpoch([{ epoch: 1 }])).toBeNull()
  })
})
