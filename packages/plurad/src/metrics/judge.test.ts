import { describe, expect, it } from 'vitest'
import { Random } from '../data/random.js'
import { applyCalibration, fitCalibration, operatingPoints, type Calibration } from './calibration/index.js'
import { judge, type Task } from './judge.js'
import { evaluateMultilabel } from './multilabel.js'
import type { Predictions } from './predictions.js'

/** Scores whose logits are twice as large as they should be, and shifted: overconfident. */
function overconfident(images: number, seed: number): Predictions {
  const random = new Random(seed)
  const logits = Array.from({ length: images }, () => random.normal(-1, 1.2))
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
  return {
    labels: ['A'],
    images: logits.map((_, row) => `${row}.png`),
    patients: logits.map(() => null),
    scores: Float64Array.from(logits, (x) => sigmoid(2 * x + 1)),
    truth: Float64Array.from(logits, (x) => Number(random.chance(sigmoid(x)))),
  }
}

const [test, validation] = [overconfident(600, 1), overconfident(500, 2)]
const own: Calibration = [{ method: 'platt', slope: 0.5, intercept: -0.5 }]
const task: Task = {
  predictions: test,
  thresholds: [0.3],
  validation,
  trainingCounts: null,
  point: null,
  ownCalibration: own,
  calibration: null,
  bootstrap: null,
}

describe('judge', () => {
  it("takes the model's own calibration, and its thresholds for calibrated probabilities", () => {
    const { metrics, calibrated, thresholds, calibration } = judge(task)
    expect(calibration).toBe(own)
    expect(thresholds).toEqual([0.3])
    expect(calibrated).toEqual(applyCalibration(own, test))
    const { calibration: summary, ...figures } = metrics
    expect(figures).toEqual(evaluateMultilabel(calibrated, [0.3]))
    const raw = evaluateMultilabel(test).macro
    expect(summary).toMatchObject({ method: 'platt', uncalibrated: [] })
    expect(summary?.before).toEqual({ brier: raw.brier, ece: raw.ece })
    expect(summary?.after).toEqual({ brier: metrics.macro.brier, ece: metrics.macro.ece })
    expect(metrics.macro.auc).toBeCloseTo(raw.auc ?? NaN, 12)
  })

  it('judges scores as they are where that is asked for, with thresholds of their own', () => {
    const { metrics, thresholds, calibration } = judge({ ...task, calibration: 'none' })
    expect(calibration).toBeNull()
    expect(metrics.calibration).toBeUndefined()
    expect(thresholds).toEqual(operatingPoints(validation, { rule: 'max_f1' }))
    const uncalibrated = judge({ ...task, ownCalibration: null, calibration: 'none' })
    expect(uncalibrated.thresholds).toEqual([0.3])
  })

  it('fits another calibration on scores, and thresholds on what it makes of them', () => {
    const { calibration, thresholds } = judge({ ...task, calibration: 'temperature' })
    expect(calibration).toEqual(fitCalibration(validation, 'temperature'))
    const fitted = applyCalibration(calibration as Calibration, validation)
    expect(thresholds).toEqual(operatingPoints(fitted, { rule: 'max_f1' }))
  })
})

describe('calibration in simulation', () => {
  const error = (predictions: Predictions): number => evaluateMultilabel(predictions).macro.ece ?? NaN

  it.each(['platt', 'isotonic'] as const)('by %s mends scores that are twice too sure', (method) => {
    const [fit, other] = [overconfident(4000, 3), overconfident(20_000, 4)]
    const mended = applyCalibration(fitCalibration(fit, method), other)
    expect(error(other)).toBeGreaterThan(0.1)
    // The truth itself has an error of about 0.01 here: 15 bins of drawn truths.
    expect(error(mended)).toBeLessThan(0.02)
  })

  it.each(['temperature', 'platt'] as const)('by %s leaves scores that are right as they are', (method) => {
    const right = (predictions: Predictions): Predictions => applyCalibration(own, predictions)
    const [fit, other] = [right(overconfident(4000, 5)), right(overconfident(20_000, 6))]
    const [found] = fitCalibration(fit, method)
    if (found?.method === 'temperature') expect(Math.abs(found.temperature - 1)).toBeLessThan(0.1)
    if (found?.method === 'platt') {
      expect(Math.abs(found.slope - 1)).toBeLessThan(0.12)
      expect(Math.abs(found.intercept)).toBeLessThan(0.15)
    }
    expect(error(applyCalibration([found], other))).toBeLessThan(0.02)
  })

  it('leaves out labels of few cases, and scores that mean the opposite', () => {
    const few = overconfident(18, 7)
    expect(few.truth.filter((present) => present === 1).length).toBeLessThan(10)
    expect(fitCalibration(few, 'platt')).toEqual([null])
    const inverted = { ...validation, scores: validation.scores.map((score) => 1 - score) }
    expect(fitCalibration(inverted, 'platt')).toEqual([null])
  })
})
