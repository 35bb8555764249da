import { describe, expect, it } from 'vitest'
import { DataError } from '../errors.js'
import type { Predictions } from './predictions.js'
import { evaluateMultilabel } from './multilabel.js'
import { maxF1Thresholds } from './thresholds.js'

/** Four images, three labels: perfect, half right with an unknown, and never positive. */
const predictions: Predictions = {
  labels: ['Effusion', 'Mass', 'Hernia'],
  images: ['a.png', 'b.png', 'c.png', 'd.png'],
  patients: ['1', '1', '2', null],
  scores: Float64Array.of(0.9, 0.2, 0.1, 0.8, 0.6, 0.2, 0.3, 0.4, 0.3, 0.1, 0.9, 0.4),
  truth: Float64Array.of(1, 1, 0, 1, 0, 0, 0, 1, 0, 0, NaN, 0),
}

describe('evaluateMultilabel', () => {
  it('tells labels apart and means over those that are defined', () => {
    const { images, labels, macro } = evaluateMultilabel(predictions, [0.8, 0.3, 0.5])
    expect(images).toBe(4)
    expect(labels[0]).toEqual({
      label: 'Effusion',
      auc: 1,
      average_precision: 1,
      f1: 1,
      precision: 1,
      recall: 1,
      specificity: 1,
      accuracy: 1,
      balanced_accuracy: 1,
      kappa: 1,
      mcc: 1,
      f1_at_half: 1,
      fpr_at_tpr_95: 0,
      brier: expect.closeTo((0.1 ** 2 + 0.2 ** 2 + 0.3 ** 2 + 0.1 ** 2) / 4, 12) as number,
      ece: expect.closeTo((0.1 + 0.2 + 0.3 + 0.1) / 4, 12) as number,
      threshold: 0.8,
      positives: 2,
      negatives: 2,
      unknown: 0,
    })
    // Mass: 0.6 absent, 0.4 present, 0.2 present; called at 0.3: one right, one wrong, one missed.
    expect(labels[1]).toMatchObject({
      auc: 0,
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
      f1_at_half: 0,
      unknown: 1,
    })
    expect(labels[1].average_precision).toBeCloseTo((1 / 2 + 2 / 3) / 2, 12)
    expect(labels[2]).toMatchObject({
      auc: null,
      average_precision: null,
      f1: null,
      f1_at_half: null,
      positives: 0,
    })
    expect(labels[2].note).toContain('no positive image')
    expect(macro).toMatchObject({
      auc: 0.5,
      f1: 0.75,
      f1_at_half: 0.5,
      labels_counted: 2,
      labels_with_threshold: 2,
    })
  })

  it('gives F1 at the threshold only where there is one', () => {
    const { labels, macro } = evaluateMultilabel(predictions, [0.8, null, null])
    expect(labels[1]).toMatchObject({
      f1: null,
      threshold: null,
    })
    expect(labels[1].note).toContain('no threshold')
    expect(macro).toMatchObject({ f1: 1, labels_counted: 2, labels_with_threshold: 1 })
    expect(evaluateMultilabel(predictions).macro).toMatchObject({ f1: null, auc: 0.5, f1_at_half: 0.5 })
  })

  it('survives JSON unchanged', () => {
    const metrics = evaluateMultilabel(predictions, [0.8, 0.3, null])
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics)
  })

  it('is defined, and empty, without images', () => {
    const none = {
      labels: ['A'],
      images: [],
      patients: [],
      scores: new Float64Array(),
      truth: new Float64Array(),
    }
    const { labels, macro } = evaluateMultilabel(none)
    expect(labels[0]).toMatchObject({ auc: null, positives: 0, negatives: 0 })
    expect(macro).toMatchObject({ auc: null, labels_counted: 0 })
  })

  it('names image and label of a score that is not a number', () => {
    const scores = predictions.scores.slice()
    scores[7] = NaN
    const evaluate = () => evaluateMultilabel({ ...predictions, scores })
    expect(evaluate).toThrow(DataError)
    expect(evaluate).toThrow(/'c\.png'.*'Mass'/)
  })

  it('refuses truth that is not 1, 0 or unknown, and arrays that do not fit', () => {
    const truth = predictions.truth.slice()
    truth[0] = 0.5
    expect(() => evaluateMultilabel({ ...predictions, truth })).toThrow(/'a\.png'.*'Effusion' is 0\.5/)
    expect(() => evaluateMultilabel({ ...predictions, scores: new Float64Array(3) })).toThrow(
      'need 12 scores',
    )
    expect(() => evaluateMultilabel(predictions, [0.5])).toThrow('1 thresholds for 3 labels')
  })
})

describe('maxF1Thresholds', () => {
  it('takes the highest of the best scores, null for one class only', () => {
    // Mass: calling the upper two gives 2/(2+2) = 0.5, calling all three 4/(3+2) = 0.8.
    expect(maxF1Thresholds(predictions)).toEqual([0.8, 0.2, null])
  })
})
