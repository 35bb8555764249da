import { describe, expect, it } from 'vitest'
import type { Metadata } from '../data/dataset.js'
import { Random } from '../data/random.js'
import { applyCalibration, fitCalibration, maxF1Thresholds } from '../metrics/index.js'
import type { Predictions } from '../metrics/predictions.js'
import { judgeRun, type RunResults } from './judgement.js'

function drawn(seed: number, images: number): Predictions {
  const random = new Random(seed)
  const truth = Float64Array.from({ length: 2 * images }, () => Number(random.chance(0.3)))
  return {
    labels: ['A', 'B'],
    images: Array.from({ length: images }, (_, row) => `${seed}-${row}.png`),
    patients: Array.from({ length: images }, () => null),
    scores: truth.map((present) => 1 / (1 + Math.exp(2 - 3 * present - random.normal()))),
    truth,
  }
}

const [val, test] = [drawn(1, 120), drawn(2, 150)]
const metadata = new Map<string, Metadata>(
  test.images.map((image, row) => [image, { age: null, sex: row % 3 === 0 ? 'F' : 'M', view: 'PA' }]),
)
const results: RunResults = { val, test, metadata, trainingCounts: [2000, 50] }
const settings = { threshold: 'max_f1' as const, batch_size: 32, calibration: 'none' as const, bootstrap: 20 }

describe('judgeRun', () => {
  it('without calibration tunes thresholds on scores and gives groups, intervals and subgroups', () => {
    const judged = judgeRun(results, settings)
    expect(judged).toMatchObject({ calibration: null, calibrated: null })
    expect(judged.thresholds).toEqual(maxF1Thresholds(val))
    expect(Object.keys(judged.test.groups ?? {})).toEqual(['head', 'tail'])
    expect(judged.test.intervals?.repetitions).toBe(20)
    expect(judged.val.intervals).toBeUndefined()
    expect(judged.subgroups?.attributes.map(({ name, groups }) => [name, groups.length])).toEqual([
      ['sex', 2],
    ])
    expect(judgeRun(results, settings)).toEqual(judged)
  })

  it('calibrates on the validation split, then tunes thresholds on what comes out', () => {
    const judged = judgeRun(results, { ...settings, calibration: 'platt', bootstrap: 0 })
    const expected = fitCalibration(val, 'platt')
    expect(judged.calibration).toEqual(expected)
    expect(judged.thresholds).toEqual(maxF1Thresholds(applyCalibration(expected, val)))
    expect(judged.calibrated?.test).toEqual(applyCalibration(expected, test))
    expect(judged.test.calibration?.parameters).toEqual(expected)
    expect(judged.test.intervals).toBeUndefined()
    expect(judged.subgroups?.interval).toBeNull()
  })

  it('is not calibrated where no label has enough cases', () => {
    const few = { ...results, val: drawn(3, 20) }
    const judged = judgeRun(few, { ...settings, calibration: 'isotonic', bootstrap: 0 })
    expect(judged).toMatchObject({ calibration: null, calibrated: null })
    expect(judged.test.calibration).toBeUndefined()
  })

  it('has no subgroups where nothing is known', () => {
    const unknown: Metadata = { age: null, sex: null, view: null }
    const bare = new Map(test.images.map((image) => [image, unknown]))
    expect(judgeRun({ ...results, metadata: bare }, settings).subgroups).toBeNull()
  })
})
