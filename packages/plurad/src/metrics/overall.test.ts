import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { evaluateMultilabel } from './multilabel.js'
import { groupLabels } from './groups.js'
import type { Predictions } from './predictions.js'

interface Case {
  name: string
  scores: number[][]
  truth: (number | null)[][]
  thresholds: number[]
  expected: Record<'overall' | 'odir' | 'macro', Record<string, number | null>>
}

const fixture = new URL('../../test/fixtures/metrics/multilabel.json', import.meta.url)
const cases = JSON.parse(readFileSync(fixture, 'utf8')) as Case[]

function predictionsOf({ scores, truth }: Pick<Case, 'scores' | 'truth'>): Predictions {
  return {
    labels: scores[0].map((_, c) => `label ${c}`),
    images: scores.map((_, row) => `${row}.png`),
    patients: scores.map(() => null),
    scores: Float64Array.from(scores.flat()),
    truth: Float64Array.from(truth.flat(), (value) => value ?? NaN),
  }
}

describe.each(cases)('as scikit-learn: $name', (example) => {
  const metrics = evaluateMultilabel(predictionsOf(example), example.thresholds)
  for (const part of ['overall', 'odir', 'macro'] as const) {
    it(part, () => {
      for (const [name, expected] of Object.entries(example.expected[part])) {
        const found = (metrics[part] as unknown as Record<string, number | null>)[name]
        if (expected === null) expect(found, name).toBeNull()
        else expect(Math.abs((found ?? NaN) - expected), name).toBeLessThanOrEqual(1e-9)
      }
    })
  }
})

describe('metrics of all labels', () => {
  const example = cases[0]

  it('leave out labels without a threshold', () => {
    const without = evaluateMultilabel(predictionsOf(example), [
      ...example.thresholds.slice(0, 4),
      null,
    ]).overall
    const four = {
      scores: example.scores.map((row) => row.slice(0, 4)),
      truth: example.truth.map((row) => row.slice(0, 4)),
    }
    const fewer = evaluateMultilabel(predictionsOf(four), example.thresholds.slice(0, 4)).overall
    for (const name of ['f1_micro', 'hamming_loss', 'exact_match', 'f1_samples'] as const) {
      expect(without[name]).toBe(fewer[name])
    }
    expect(evaluateMultilabel(predictionsOf(example)).overall).toMatchObject({
      f1_micro: null,
      exact_match: null,
    })
  })

  it('are null, never NaN, without images and without any known truth', () => {
    const none = {
      labels: ['A'],
      images: [],
      patients: [],
      scores: new Float64Array(),
      truth: new Float64Array(),
    }
    const unknown = { scores: [[0.2, 0.4]], truth: [[null, null]] }
    for (const predictions of [none, predictionsOf(unknown)]) {
      const { overall, odir, macro } = evaluateMultilabel(
        predictions,
        predictions.labels.map(() => 0.5),
      )
      expect(Object.values({ ...overall, ...odir, ...macro }).filter((value) => value !== null)).toEqual([
        0, 0,
      ])
    }
  })
})

describe('the ODIR score', () => {
  it('by hand: its F1 is accuracy, and the macro F1 is another number', () => {
    const { odir, macro } = evaluateMultilabel(
      predictionsOf({
        scores: [
          [0.9, 0.2],
          [0.6, 0.7],
        ],
        truth: [
          [1, 0],
          [0, 1],
        ],
      }),
    )
    // Of four flattened calls three are right; chance agreement is 3/4 * 2/4 + 1/4 * 2/4 = 1/2.
    expect(odir).toEqual({ score: 0.75, kappa: 0.5, f1_flattened_equals_accuracy: 0.75, auc: 1 })
    expect(macro.f1_at_half).toBeCloseTo((2 / 3 + 1) / 2, 12)
  })
})

describe('groups', () => {
  it('go by training images', () => {
    expect(groupLabels([1001, 1000, 100, 99, 0])).toEqual(['head', 'medium', 'medium', 'tail', 'tail'])
  })

  it('are means over their labels; one without labels is left out', () => {
    const predictions = predictionsOf(cases[0])
    const { labels, groups } = evaluateMultilabel(
      predictions,
      cases[0].thresholds,
      groupLabels([5000, 20, 30, 2000, 10]),
    )
    expect(Object.keys(groups ?? {})).toEqual(['head', 'tail'])
    expect(groups?.tail?.labels).toEqual(['label 1', 'label 2', 'label 4'])
    const tail = [1, 2, 4].map((c) => labels[c].auc ?? NaN)
    expect(groups?.tail?.auc).toBeCloseTo((tail[0] + tail[1] + tail[2]) / 3, 12)
  })
})
