import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../data/random.js'
import { auc } from '../auc.js'
import { brier } from '../brier.js'
import { labelColumn } from '../column.js'
import { expectedCalibrationError } from '../expected-calibration-error.js'
import type { Predictions } from '../predictions.js'
import { reliabilityBins } from '../reliability.js'
import { applyCalibration } from './apply.js'
import { calibrate } from './calibrate.js'
import { CALIBRATION_METHODS, fitCalibration } from './fit.js'
import { fitIsotonic } from './isotonic.js'
import { operatingPoints, type OperatingPoint } from './operating-points.js'
import { fitPlatt } from './platt.js'
import { calibrationSchema } from './schema.js'
import { fitTemperature } from './temperature.js'

interface Case {
  name: string
  scores: number[]
  truth: number[]
  temperature: number
  slope: number
  intercept: number
  platt: number[]
  isotonic_x: number[]
  isotonic_y: number[]
  isotonic: number[]
  grid: number[]
  isotonic_grid: number[]
  brier_platt: number
  youden: number
  sensitivity_90: number
  specificity_80: number
}

const file = new URL('../../../test/fixtures/metrics/calibration.json', import.meta.url)
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[]

function predictionsOf(scores: readonly number[], truth: readonly number[]): Predictions {
  return {
    labels: ['Finding'],
    images: scores.map((_, row) => `${row}.png`),
    patients: scores.map(() => null),
    scores: Float64Array.from(scores),
    truth: Float64Array.from(truth),
  }
}

const expectAll = (found: readonly number[], expected: readonly number[], digits: number): void => {
  expect(found.length).toBe(expected.length)
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i], digits)
}

describe.each(cases)('as scikit-learn and scipy: $name', (expected) => {
  const { scores, truth } = expected
  const column = labelColumn(scores, truth)
  // Saturated scores stand for another finite logit there.
  const saturated = scores.some((score) => score === 0 || score === 1)

  it.skipIf(saturated)('temperature', () => {
    const found = fitTemperature(column)
    expect(found?.method === 'temperature' && found.temperature / expected.temperature).toBeCloseTo(1, 6)
  })

  it.skipIf(saturated)('Platt', () => {
    const found = fitPlatt(column)
    expect(found).toMatchObject({
      slope: expect.closeTo(expected.slope, 6) as number,
      intercept: expect.closeTo(expected.intercept, 6) as number,
    })
    expectAll(
      scores.map((score) => calibrate(found, score)),
      expected.platt,
      7,
    )
    const calibrated = labelColumn(
      scores.map((score) => calibrate(found, score)),
      truth,
    )
    expect(brier(calibrated)).toBeCloseTo(expected.brier_platt, 9)
  })

  it('isotonic', () => {
    const found = fitIsotonic(column)
    expect(found?.method === 'isotonic' && found.scores).toEqual(expected.isotonic_x)
    expectAll(
      scores.map((score) => calibrate(found, score)),
      expected.isotonic,
      12,
    )
    expectAll(
      expected.grid.map((score) => calibrate(found, score)),
      expected.isotonic_grid,
      12,
    )
  })

  it('operating points', () => {
    const at = (point: OperatingPoint): number | null =>
      operatingPoints(predictionsOf(scores, truth), point)[0]
    expect(at({ rule: 'youden' })).toBe(expected.youden)
    expect(at({ rule: 'sensitivity', target: 0.9 })).toBe(expected.sensitivity_90)
    expect(at({ rule: 'specificity', target: 0.8 })).toBe(expected.specificity_80)
    expect(at({ rule: 'fixed', threshold: 0.3 })).toBe(0.3)
  })
})

describe('calibration', () => {
  const [{ scores, truth }] = cases
  const validation = predictionsOf(scores, truth)

  it.each(CALIBRATION_METHODS)(
    'by %s makes probabilities of the images that it is fitted on truer',
    (method) => {
      const calibration = fitCalibration(validation, method)
      const after = applyCalibration(calibration, validation)
      const [old, fresh] = [labelColumn(scores, truth), labelColumn(after.scores, truth)]
      expect(brier(fresh)).toBeLessThan(brier(old) ?? 0)
      expect(expectedCalibrationError(fresh)).toBeLessThan(expectedCalibrationError(old) ?? 0)
      if (method !== 'isotonic') expect(auc(fresh)).toBe(auc(old))
      expect(calibrationSchema.parse(JSON.parse(JSON.stringify(calibration)))).toEqual(calibration)
    },
  )

  it('leaves scores alone where a label has one class only', () => {
    for (const method of CALIBRATION_METHODS) {
      const calibration = fitCalibration(predictionsOf([0.2, 0.4], [0, NaN]), method)
      expect(calibration).toEqual([null])
      expect(applyCalibration(calibration, validation).scores).toEqual(validation.scores)
    }
    expect(operatingPoints(predictionsOf([0.2, 0.4], [0, NaN]), { rule: 'youden' })).toEqual([null])
    expect(() => applyCalibration([], validation)).toThrow('a calibration of 0 labels')
  })

  it('stays finite where scores tell all apart, are all the same, or saturate', () => {
    for (const [given, present] of [
      [
        [0.1, 0.2, 0.8, 0.9],
        [0, 0, 1, 1],
      ],
      [
        [0.1, 0.2, 0.8, 0.9],
        [1, 1, 0, 0],
      ],
      [
        [0.4, 0.4, 0.4],
        [0, 1, 1],
      ],
      [
        [0, 1, 1, 0],
        [0, 1, 0, 1],
      ],
      [
        [0, 0, 1, 1],
        [0, 0, 1, 1],
      ],
    ]) {
      for (const method of CALIBRATION_METHODS) {
        const calibration = fitCalibration(predictionsOf(given, present), method)
        expect(() => calibrationSchema.parse(calibration)).not.toThrow()
        for (const score of [0, 0.3, 1]) {
          const probability = calibrate(calibration[0], score)
          expect(probability >= 0 && probability <= 1).toBe(true)
        }
      }
    }
    const softened = fitPlatt(labelColumn([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]))
    // Platt's targets: 3/4 for positives, 1/4 for negatives.
    expect(calibrate(softened, 0.9)).toBeLessThan(0.9)
    expect(calibrate(fitPlatt(labelColumn([0.4, 0.4, 0.4], [0, 1, 1])), 0.4)).toBeCloseTo(2 / 3, 12)
  })

  it('never turns the order of scores round, except where Platt finds that they mean the opposite', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 1, max: 63 }), fc.constantFrom(0, 1)), {
      minLength: 2,
      maxLength: 40,
    })
    fc.assert(
      fc.property(rows, (items) => {
        const predictions = predictionsOf(
          items.map(([n]) => n / 64),
          items.map(([, present]) => present),
        )
        for (const method of CALIBRATION_METHODS) {
          const [found] = fitCalibration(predictions, method)
          const sign = found?.method === 'platt' ? Math.sign(found.slope) : 1
          for (let n = 1; n < 64; n++) {
            const rise = calibrate(found, n / 64) - calibrate(found, (n - 1) / 64)
            expect(rise * sign).toBeGreaterThanOrEqual(-1e-12)
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('temperature', () => {
  it('has no finite optimum where scores are high and findings rare: Platt does', () => {
    const [given, present] = [
      [0.7, 0.8, 0.9, 0.95],
      [0, 0, 0, 1],
    ]
    expect(fitTemperature(labelColumn(given, present))).toEqual({
      method: 'temperature',
      temperature: expect.closeTo(1000, 6) as number,
    })
    const shuffledTruth = [0, 1, 0, 0]
    const platt = fitPlatt(labelColumn(given, shuffledTruth))
    const mean = given.reduce((sum, score) => sum + calibrate(platt, score), 0) / 4
    expect(mean).toBeCloseTo(1 / 4, 9)
  })
})

describe('reliability bins', () => {
  it('hold every image once, edges in the lower bin', () => {
    const bins = reliabilityBins(labelColumn([0, 0.25, 0.25, 0.26, 1], [0, 1, 0, 1, 1]), 4)
    expect(bins.map(({ images, positives }) => [images, positives])).toEqual([
      [3, 1],
      [1, 1],
      [0, 0],
      [1, 1],
    ])
    expect(bins.map(({ low, high }) => [low, high])).toEqual([
      [0, 0.25],
      [0.25, 0.5],
      [0.5, 0.75],
      [0.75, 1],
    ])
    expect(bins[0].probabilities).toBe(0.5)
  })
})

describe('with a known truth', () => {
  const logistic = (z: number): number => 1 / (1 + Math.exp(-z))
  /** The truth is drawn with the probability `logistic(z)`; the model says `logistic(bend(z))`. */
  const simulate = (count: number, seed: number, bend: (z: number) => number) => {
    const random = new Random(seed)
    const z = Array.from({ length: count }, () => random.normal(-1.5) * 1.3)
    return {
      scores: z.map((value) => logistic(bend(value))),
      truth: z.map((value) => Number(random.chance(logistic(value)))),
    }
  }
  const errorOf = (scores: readonly number[], truth: readonly number[]): number =>
    expectedCalibrationError(labelColumn(scores, truth)) ?? NaN

  it.each(CALIBRATION_METHODS)('%s leaves a calibrated model calibrated on other images', (method) => {
    const [fitted, judged] = [simulate(3000, 1, (z) => z), simulate(30_000, 2, (z) => z)]
    const [fit] = fitCalibration(predictionsOf(fitted.scores, fitted.truth), method)
    const after = judged.scores.map((score) => calibrate(fit, score))
    expect(errorOf(judged.scores, judged.truth)).toBeLessThan(0.01)
    expect(errorOf(after, judged.truth)).toBeLessThan(0.02)
    const apart = judged.scores.map((score, row) => Math.abs(score - after[row]))
    expect(apart.reduce((sum, value) => sum + value, 0) / apart.length).toBeLessThan(0.02)
  })

  it.each(['platt', 'isotonic'] as const)('%s makes a bent model calibrated on other images', (method) => {
    const bend = (z: number): number => 2.5 * z + 1
    const [fitted, judged] = [simulate(8000, 3, bend), simulate(30_000, 4, bend)]
    const [fit] = fitCalibration(predictionsOf(fitted.scores, fitted.truth), method)
    const after = judged.scores.map((score) => calibrate(fit, score))
    expect(errorOf(judged.scores, judged.truth)).toBeGreaterThan(0.05)
    expect(errorOf(after, judged.truth)).toBeLessThan(0.02)
  })
})
