import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture, oneLabel } from '../../../test/interval-examples.js'
import { Random } from '../../data/random.js'
import { auc } from '../auc.js'
import { rankLabel } from '../column.js'
import { evaluateMultilabel } from '../multilabel.js'
import type { Predictions } from '../predictions.js'
import { bootstrap, differenceOf, meanOf } from './bootstrap.js'
import { patientClusters } from './clusters.js'
import { delong } from './delong.js'
import { figureValues } from './figures.js'
import { bootstrapP, intervalOf } from './interval.js'
import { setMeanCases } from './label-means.js'
import { allIntervals } from './metrics-intervals.js'
import { normalCdf } from './normal.js'
import { ResampledEvaluation } from './resampled.js'

describe('bootstrap', () => {
  it('agrees with scipy.stats.bootstrap', () => {
    const { truth, scores, ...expected } = fixture.whole
    const whole = bootstrap(oneLabel(scores, truth), { repetitions: 4000, seed: 1, jackknife: true })
    // scipy leaves the ends as they are drawn.
    const drawn = { ...whole, cases: whole.cases.map(() => Infinity) }
    const index = drawn.figures.findIndex(({ of, metric }) => of === 'macro' && metric === 'auc')
    for (const method of ['percentile', 'bca'] as const) {
      const [low, high] = intervalOf(drawn, index, method) ?? [NaN, NaN]
      expect(Math.abs(low - expected[method][0])).toBeLessThan(0.006)
      expect(Math.abs(high - expected[method][1])).toBeLessThan(0.006)
    }
  })

  it('by weights is the evaluation of repeated rows', () => {
    const cell = fc.constantFrom(0, 1, NaN)
    const rows = fc.array(
      fc.record({
        scores: fc.array(
          fc.integer({ min: 0, max: 8 }).map((n) => n / 8),
          { minLength: 3, maxLength: 3 },
        ),
        truth: fc.array(cell, { minLength: 3, maxLength: 3 }),
        patient: fc.constantFrom('a', 'b', 'c', null),
      }),
      { minLength: 1, maxLength: 25 },
    )
    fc.assert(
      fc.property(rows, fc.array(fc.nat({ max: 3 }), { minLength: 30, maxLength: 30 }), (items, counts) => {
        const build = (from: typeof items): Predictions => ({
          labels: ['A', 'B', 'C'],
          images: from.map((_, row) => String(row)),
          patients: from.map(({ patient }) => patient),
          scores: Float64Array.from(from.flatMap(({ scores }) => scores)),
          truth: Float64Array.from(from.flatMap(({ truth }) => truth)),
        })
        const predictions = build(items)
        const clusters = patientClusters(predictions.patients)
        const weights = Float64Array.from(counts.slice(0, clusters.count))
        const repeated = items.flatMap((item, row) =>
          Array<typeof item>(weights[clusters.of[row]]).fill(item),
        )
        const thresholds = [0.5, 0.25, null]
        const groups = ['head', 'tail', 'tail'] as const
        const expected = figureValues(evaluateMultilabel(build(repeated), thresholds, groups))
        const found = figureValues(
          new ResampledEvaluation(predictions, clusters, thresholds, groups).at(weights),
        )
        expect(found.length).toBe(expected.length)
        expected.forEach((value, f) => {
          if (Number.isNaN(value)) expect(found[f]).toBeNaN()
          else expect(Math.abs(found[f] - value)).toBeLessThan(1e-12)
        })
      }),
      { numRuns: 100 },
    )
  })

  const random = new Random(7)
  const truth = Array.from({ length: 90 }, () => Number(random.chance(0.4)))
  const score = (): number[] => truth.map((present) => 1 / (1 + Math.exp(-random.normal(present))))
  const patients = truth.map((_, row) => `p${row % 30}`)
  const [a, b] = [oneLabel(score(), truth, patients), oneLabel(score(), truth, patients)]
  const options = { repetitions: 200, seed: 3, jackknife: true }

  it('is the same for the same seed, and another for another', () => {
    const first = allIntervals(bootstrap(a, options), { method: 'bca', level: 0.95, seed: 3 })
    expect(allIntervals(bootstrap(a, options), { method: 'bca', level: 0.95, seed: 3 })).toEqual(first)
    expect(
      allIntervals(bootstrap(a, { ...options, seed: 4 }), { method: 'bca', level: 0.95, seed: 3 }),
    ).not.toEqual(first)
    expect(first.labels[0].intervals['auc']?.every((end) => end > 0 && end < 1)).toBe(true)
    expect(JSON.parse(JSON.stringify(first))).toEqual(first)
  })

  it('draws patients: their images come and go together, and intervals widen', () => {
    // Every image three times over says no more than once.
    const once = { scores: score().slice(0, 60), truth: truth.slice(0, 60) }
    const thrice = (values: readonly number[]): number[] => [...values, ...values, ...values]
    const same = Array.from({ length: 180 }, (_, row) => `p${row % 60}`)
    const width = (of: Predictions): number => {
      const drawn = bootstrap(of, { repetitions: 600, seed: 1, jackknife: false })
      const [low, high] = intervalOf(drawn, 0) ?? [NaN, NaN]
      return high - low
    }
    const single = width(oneLabel(once.scores, once.truth))
    const repeated = [thrice(once.scores), thrice(once.truth)] as const
    expect(width(oneLabel(...repeated, same))).toBeCloseTo(single, 10)
    expect(width(oneLabel(...repeated))).toBeLessThan(0.7 * single)
  })

  it('pairs samples: a model differs from itself by nothing, and from another by their difference', () => {
    const [of, and] = [bootstrap(a, options), bootstrap(b, options)]
    const zero = differenceOf(of, of)
    expect(zero.replicates.every(([value]) => value === 0)).toBe(true)
    expect(intervalOf(zero, 0, 'bca')).toEqual([0, 0])
    expect(bootstrapP(zero, 0)).toBe(1)
    const difference = differenceOf(of, and)
    expect(difference.estimate[0]).toBe(of.estimate[0] - and.estimate[0])
    expect(meanOf([of, and]).replicates[5][0]).toBe((of.replicates[5][0] + and.replicates[5][0]) / 2)
    expect(() => differenceOf(of, bootstrap(b, { ...options, repetitions: 10 }))).toThrow(
      'Only distributions',
    )
  })

  it('keeps a mean over labels where it is when a rare label has no positive in a sample', () => {
    const draw = new Random(9)
    // A and B are told apart well; the one positive of C is scored last of all.
    const rows = Array.from({ length: 120 }, (_, row) => {
      const truth = [Number(row % 3 === 0), Number(row % 4 === 0), Number(row === 7)]
      const c = row === 7 ? -9 : draw.normal()
      return { truth, scores: [draw.normal(3 * truth[0]), draw.normal(3 * truth[1]), c] }
    })
    const drawn = bootstrap(
      {
        labels: ['A', 'B', 'C'],
        images: rows.map((_, row) => String(row)),
        patients: rows.map(() => null),
        scores: Float64Array.from(rows.flatMap(({ scores }) => scores)),
        truth: Float64Array.from(rows.flatMap(({ truth }) => truth)),
      },
      { repetitions: 300, seed: 1, jackknife: true, groups: ['head', 'head', 'tail'] },
    )
    const samples = (of: string, label: string | null = null): number[] => {
      const at = drawn.figures.findIndex((f) => f.of === of && f.label === label && f.metric === 'auc')
      return [...drawn.replicates, ...drawn.jackknife].map((row) => row[at])
    }
    expect(samples('labels', 'C').filter(Number.isNaN).length).toBeGreaterThan(60)
    // Without C, which every third sample lacks, it would be near 1.
    expect(Math.max(...samples('macro'))).toBeLessThan(0.7)
    expect(Math.min(...samples('head'))).toBeGreaterThan(0.9)
    expect(samples('tail').every((value) => value === 0)).toBe(true)
  })

  it('lets a mean rest on the cases of the labels that it varies with', () => {
    const means = [{ at: 2, parts: [0, 1] }]
    const casesOf = (values: readonly (readonly number[])[], a: number, b: number): number => {
      const cases = Float64Array.of(a, b, 0)
      setMeanCases(
        cases,
        means,
        values.map((row) => Float64Array.from(row)),
        500,
      )
      return cases[2]
    }
    const alike = [
      [1, 2],
      [2, 1],
      [3, 4],
      [4, 3],
    ]
    // Equal variances: the degrees of freedom add up.
    expect(casesOf(alike, 11, 31)).toBeCloseTo(4 / (1 / 10 + 1 / 30) + 1, 10)
    expect(casesOf(alike, 21, 21)).toBeCloseTo(41, 10)
    expect(
      casesOf(
        [
          [1, 7],
          [2, 7],
          [3, 7],
        ],
        11,
        300,
      ),
    ).toBeCloseTo(11, 10)
    expect(
      casesOf(
        [
          [1, 7],
          [NaN, 8],
          [3, 9],
        ],
        1,
        1,
      ),
    ).toBeGreaterThan(1)
    expect(casesOf(alike, 400, 400)).toBe(500)
    expect(casesOf([[1, 2]], 4, 5)).toBe(9)
  })

  it('counts the independent cases that each figure rests on', () => {
    const drawn = bootstrap(
      {
        labels: ['A', 'B'],
        images: ['0', '1', '2', '3', '4', '5'],
        patients: ['p', 'p', 'q', 'r', 's', 't'],
        scores: Float64Array.from({ length: 12 }, (_, i) => i / 12),
        // p has A in one image and not in the other; t is unknown. p has B in both.
        truth: Float64Array.of(1, 1, 0, 1, 1, 0, 0, 0, 0, 0, NaN, 1),
      },
      { repetitions: 1, seed: 0, jackknife: false, thresholds: [0.5, 0.5], groups: ['head', 'tail'] },
    )
    const cases = (of: string, label: string | null, metric: string): number =>
      drawn.cases[drawn.figures.findIndex((f) => f.of === of && f.label === label && f.metric === metric)]
    expect(['auc', 'recall', 'specificity', 'brier'].map((name) => cases('labels', 'A', name))).toEqual([
      2, 2, 3, 4,
    ])
    expect(['auc', 'recall', 'specificity', 'brier'].map((name) => cases('labels', 'B', name))).toEqual([
      2, 2, 3, 5,
    ])
    expect(cases('macro', null, 'auc')).toBe(4)
    expect(cases('tail', null, 'auc')).toBe(2)
    expect(cases('overall', null, 'hamming_loss')).toBe(5)
  })

  it('refuses to draw from nothing', () => {
    expect(() => bootstrap(oneLabel([], []), options)).toThrow('there are none')
  })

  it('covers the truth about as often as it says', () => {
    // Scores normal, a deviation apart: the AUC is Phi(1 / sqrt 2). bench/coverage.mjs does it 2,000 times.
    const value = normalCdf(1 / Math.SQRT2)
    const covered = { delong: 0, percentile: 0, bca: 0 }
    const repetitions = 100
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const draw = new Random(11, repetition)
      const present = Array.from({ length: 100 }, (_, row) => Number(row < 40))
      const scores = present.map((positive) => draw.normal(positive))
      const found = delong(rankLabel(scores, present))
      expect(found?.auc).toBe(auc(rankLabel(scores, present).column))
      const drawn = bootstrap(oneLabel(scores, present), {
        repetitions: 200,
        seed: repetition,
        jackknife: true,
      })
      const ends = {
        delong: found?.interval ?? [NaN, NaN],
        percentile: intervalOf(drawn, 0, 'percentile') ?? [NaN, NaN],
        bca: intervalOf(drawn, 0, 'bca') ?? [NaN, NaN],
      }
      for (const method of ['delong', 'percentile', 'bca'] as const) {
        if (ends[method][0] <= value && value <= ends[method][1]) covered[method]++
      }
    }
    // Four standard errors of a share of 0.95 in 100.
    for (const count of Object.values(covered))
      expect(Math.abs(count / repetitions - 0.95)).toBeLessThan(0.087)
  })
})
