import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { auc } from './auc.js'
import { averagePrecision } from './average-precision.js'
import { hasBothClasses, labelColumn, type LabelColumn } from './column.js'
import { confusionAt } from './confusion.js'
import { bestF1Threshold, f1 } from './f1.js'

/** Scores on a grid, so that ties are common and the transforms below keep them exactly. */
const rows = fc.array(
  fc.record({ score: fc.integer({ min: 0, max: 64 }).map((n) => n / 64), truth: fc.constantFrom(0, 1, NaN) }),
  { maxLength: 80 },
)
type Row = { score: number; truth: number }

function column(items: readonly Row[], transform = (score: number) => score): LabelColumn {
  return labelColumn(
    items.map((row) => transform(row.score)),
    items.map((row) => row.truth),
  )
}

function bestF1(of: LabelColumn): number | null {
  const threshold = bestF1Threshold(of)
  return threshold === null ? null : f1(confusionAt(of, threshold))
}

describe.each([
  ['AUC', auc],
  ['average precision', averagePrecision],
  ['best F1', bestF1],
])('%s', (_, metric) => {
  it('does not change under rising transforms of the scores', () => {
    fc.assert(
      fc.property(rows, (items) => {
        const plain = metric(column(items))
        expect(metric(column(items, (score) => score * 1024 - 7))).toBe(plain)
        expect(metric(column(items, (score) => Math.atanh(score * 0.999)))).toBe(plain)
      }),
    )
  })

  it('does not depend on the order of the images', () => {
    const shuffled = rows.chain((items) =>
      fc.tuple(fc.constant(items), fc.shuffledSubarray(items, { minLength: items.length })),
    )
    fc.assert(
      fc.property(shuffled, ([items, permuted]) => {
        expect(metric(column(permuted))).toBe(metric(column(items)))
      }),
    )
  })

  it('does not see images of unknown truth, and stays in [0, 1]', () => {
    fc.assert(
      fc.property(rows, (items) => {
        const value = metric(column(items))
        expect(metric(column(items.filter((row) => !Number.isNaN(row.truth))))).toBe(value)
        if (value !== null) expect(value >= 0 && value <= 1).toBe(true)
      }),
    )
  })
})

describe('AUC', () => {
  it('of reversed scores is 1 - AUC', () => {
    fc.assert(
      fc.property(rows, (items) => {
        const plain = column(items)
        fc.pre(hasBothClasses(plain))
        expect(auc(column(items, (score) => 1 - score))).toBeCloseTo(1 - Number(auc(plain)), 12)
      }),
    )
  })

  it('counts pairs', () => {
    fc.assert(
      fc.property(rows, (items) => {
        const positives = items.filter((row) => row.truth === 1)
        const negatives = items.filter((row) => row.truth === 0)
        fc.pre(positives.length > 0 && negatives.length > 0)
        let won = 0
        for (const p of positives) {
          for (const n of negatives) won += p.score > n.score ? 1 : p.score === n.score ? 0.5 : 0
        }
        expect(auc(column(items))).toBe(won / (positives.length * negatives.length))
      }),
    )
  })
})
