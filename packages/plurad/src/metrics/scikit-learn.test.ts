import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { auc, rocCurve } from './auc.js'
import { precisionRecallCurve } from './average-precision.js'
import { labelColumn } from './column.js'
import { confusionAt } from './confusion.js'
import { bestF1Threshold, f1 } from './f1.js'
import { evaluateMultilabel } from './multilabel.js'
import { labelMetricNames } from './registry.js'

interface Case {
  name: string
  threshold: number
  scores: number[]
  truth: (0 | 1 | null)[]
  positives: number
  negatives: number
  unknown: number
  expected: Record<string, number | null> & {
    roc?: { fpr: number[]; tpr: number[] }
    precision_recall?: { precision: number[]; recall: number[]; thresholds: number[] }
  }
}

const fixture = new URL('../../test/fixtures/metrics/metrics.json', import.meta.url)
const cases = JSON.parse(readFileSync(fixture, 'utf8')) as Case[]
const tolerance = 1e-9

function expectClose(found: number | null, expected: number | null | undefined) {
  if (expected === null || expected === undefined || found === null) expect(found).toBe(expected)
  else expect(Math.abs(found - expected)).toBeLessThanOrEqual(tolerance)
}

describe.each(cases)(
  'as scikit-learn: $name',
  ({ scores, truth, threshold, expected, positives, negatives, unknown }) => {
    const { roc, precision_recall } = expected
    const truths = Float64Array.from(truth, (value) => value ?? NaN)
    const column = labelColumn(scores, truths)

    it('per-label metrics', () => {
      const predictions = {
        labels: ['Finding'],
        images: scores.map((_, i) => `${i}.png`),
        patients: scores.map(() => null),
        scores: Float64Array.from(scores),
        truth: truths,
      }
      const { labels, macro } = evaluateMultilabel(predictions, [threshold])
      expect(labels[0]).toMatchObject({ threshold, positives, negatives, unknown })
      for (const name of labelMetricNames) {
        expectClose(labels[0][name], expected[name])
        expectClose(macro[name], expected[name])
      }
      expect('note' in labels[0]).toBe(expected['auc'] === null)
    })

    it('best threshold', () => {
      const best = bestF1Threshold(column)
      expect(best).toBe(expected['best_f1_threshold'])
      if (best !== null) expectClose(f1(confusionAt(column, best)), expected['best_f1'])
    })

    if (roc)
      it('ROC curve: corners of the full curve, spanning the same area', () => {
        const curve = rocCurve(column) ?? { fpr: [], tpr: [], thresholds: [] }
        for (const [i, fpr] of curve.fpr.entries()) {
          const close = roc.fpr.some(
            (x, j) => Math.abs(x - fpr) <= tolerance && Math.abs(roc.tpr[j] - curve.tpr[i]) <= tolerance,
          )
          expect(close).toBe(true)
        }
        expect(curve.thresholds[0]).toBe(Infinity)
        expect([curve.fpr[0], curve.tpr[0], curve.fpr.at(-1), curve.tpr.at(-1)]).toEqual([0, 0, 1, 1])
        let area = 0
        for (let i = 1; i < curve.fpr.length; i++) {
          area += ((curve.fpr[i] - curve.fpr[i - 1]) * (curve.tpr[i] + curve.tpr[i - 1])) / 2
        }
        expectClose(area, auc(column))
      })

    if (precision_recall)
      it('precision-recall curve', () => {
        const curve = precisionRecallCurve(column) ?? { precision: [], recall: [], thresholds: [] }
        for (const key of ['precision', 'recall', 'thresholds'] as const) {
          expect(curve[key].length).toBe(precision_recall[key].length)
          curve[key].forEach((value, i) => expectClose(value, precision_recall[key][i]))
        }
      })
  },
)
