import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../data/random.js'
import {
  LabelSampler,
  reverseProbabilities,
  SAMPLING_MODES,
  type SamplingSettings,
} from './reverse-sampling.js'

/** ChestX-ray14 as the paper counts it (table 2): Atelectasis first, Hernia last. */
const NIH = [7996, 1950, 9621, 13914, 3988, 4376, 978, 3705, 3263, 1690, 1799, 1158, 2279, 144]
const [INFILTRATION, HERNIA] = [3, 13]

const settings = (own: Partial<SamplingSettings>): SamplingSettings => ({
  mode: 'paper',
  alpha: 0.9,
  target: 0.5,
  floor: 0.05,
  ...own,
})

const alone = (positives: readonly number[]) => ({
  positives,
  together: positives.map((count, a) => positives.map((_, c) => (a === c ? count : 0))),
})

/** Share of the drawn images with each label. */
function realised(sampler: LabelSampler, count: number): number[] {
  const drawn = sampler.draw(count, new Random(1))
  return sampler.rates.map(
    (_, c) => drawn.filter((value, i) => i % sampler.rates.length === c && value === 1).length / count,
  )
}

describe('p_c', () => {
  test('is the formula: of counts 1 and 16 at alpha 0.5, 4/5 and 1/5', () => {
    expect(reverseProbabilities([1, 16], 0.5)[0]).toBeCloseTo(0.8, 8)
    expect(reverseProbabilities([1, 16], 1)[1]).toBeCloseTo(1 / 17, 8)
  })

  test('of ChestX-ray14 is 0.50 for Hernia and 0.008 for Infiltration', () => {
    const p = reverseProbabilities(NIH, 0.9)
    expect(p[HERNIA]).toBeCloseTo(0.5, 3)
    expect(p[INFILTRATION]).toBeCloseTo(0.0082, 4)
  })

  test('adds up to one and falls with the count, for every alpha', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1e5 }), { minLength: 2, maxLength: 20 }),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        (counts, alpha) => {
          const p = reverseProbabilities(counts, alpha)
          expect(p.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 10)
          counts.forEach((a, i) => counts.forEach((b, j) => expect(a < b).toBe(a !== b && p[i] > p[j])))
        },
      ),
    )
  })

  test('leaves a label without images to nobody’s cost', () => {
    expect(reverseProbabilities([1, 16, 0], 0.5, [true, true, false])).toEqual([
      ...reverseProbabilities([1, 16], 0.5),
      0,
    ])
  })
})

describe('rates', () => {
  test('paper: p_c, one label a virtual image on average', () => {
    const { rates } = new LabelSampler(alone(NIH), settings({}))
    expect(rates).toEqual(reverseProbabilities(NIH, 0.9))
  })

  test('uniform: 1 / C', () => {
    for (const rate of new LabelSampler(alone(NIH), settings({ mode: 'uniform' })).rates)
      expect(rate).toBeCloseTo(1 / 14, 10)
  })

  test('balanced: target p_c / mean p within floor and 1 - floor', () => {
    // p = 4/5, 1/5; mean 1/2; half of 8/5 and of 2/5.
    const rates = (own: Partial<SamplingSettings>) =>
      new LabelSampler(alone([1, 16]), settings({ mode: 'balanced', alpha: 0.5, ...own })).rates
    expect(rates({})[0]).toBeCloseTo(0.8, 8)
    expect(rates({})[1]).toBeCloseTo(0.2, 8)
    expect(rates({ floor: 0.3 })).toEqual([0.7, 0.3])
    expect(rates({ target: 0.25 })[0]).toBeCloseTo(0.4, 8)
  })

  test('anchored: with one label drawn by p_c, the others as often as in its images', () => {
    // Label 0 in 1 image, which has label 1 too; label 1 in 16.
    const counts = {
      positives: [1, 16],
      together: [
        [1, 1],
        [1, 16],
      ],
    }
    const sampler = new LabelSampler(counts, settings({ mode: 'anchored', alpha: 0.5 }))
    expect(sampler.rates[0]).toBeCloseTo(0.8 + 0.2 / 16, 8)
    expect(sampler.rates[1]).toBeCloseTo(1, 8)
    const drawn = sampler.draw(2000, new Random(4))
    for (let at = 0; at < drawn.length; at += 2) expect(drawn[at + 1]).toBe(1)
  })
})

describe.each(SAMPLING_MODES)('draws of mode %s', (mode) => {
  const together = NIH.map((count, a) => NIH.map((_, c) => (a === c ? count : Math.round(count / (3 + c)))))

  test('come as often as their rates say', () => {
    const sampler = new LabelSampler({ positives: NIH, together }, settings({ mode }))
    const count = 20_000
    realised(sampler, count).forEach((rate, c) => {
      const expected = sampler.rates[c]
      expect(Math.abs(rate - expected)).toBeLessThan(
        4 * Math.sqrt((expected * (1 - expected)) / count) + 1e-9,
      )
    })
  })

  test('are the same for the same seed, and unknown for a label that has no distribution', () => {
    const drawable = NIH.map((_, c) => c !== HERNIA)
    const sampler = new LabelSampler({ positives: NIH, together }, settings({ mode }), drawable)
    const drawn = sampler.draw(64, new Random(9, 1))
    expect(sampler.draw(64, new Random(9, 1))).toEqual(drawn)
    drawn.forEach((value, i) => expect(Number.isNaN(value)).toBe(i % 14 === HERNIA))
    expect(sampler.rates[HERNIA]).toBeNaN()
  })
})
