/** The contract of every loss in the registry. A new entry is checked without a new test. */
import { readFileSync } from 'node:fs'
import { tensor, type Tensor } from '@plurad/torch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RecipeError } from '../errors.js'
import type { Loss, LossContext } from './define.js'
import { losses, makeLoss, takesSoftTargets } from './registry.js'

interface Case {
  loss: string
  options: Record<string, unknown>
  batch: string
  value: number
  gradient: number[]
}

/** Made by make.py beside it: values and gradients by torch's autograd on loops over images and labels. */
const reference = JSON.parse(
  readFileSync(new URL('../../test/fixtures/losses/losses.json', import.meta.url), 'utf8'),
) as {
  counts: { images: number; known: number[]; positives: number[] }
  batches: Record<string, { logits: number[]; targets: (number | null)[]; images: number }>
  cases: Case[]
}

function contextOf(labels: number): LossContext {
  const { images, known, positives } = reference.counts
  const repeat = (values: number[]): number[] =>
    Array.from({ length: labels }, (_, c) => values[c % values.length])
  return {
    labels: Array.from({ length: labels }, (_, c) => `label ${c}`),
    statistics: { images, known: repeat(known), positives: repeat(positives), together: [] },
  }
}

interface Evaluated {
  value: number
  /** [N, C], flat. */
  gradient: number[]
}

function evaluate(loss: Loss, logits: number[][], targets: number[][]): Evaluated {
  const x = tensor(logits, { dtype: 'float64' }).requiresGrad_()
  const value: Tensor = loss(x, tensor(targets, { dtype: 'float64' }), {
    logits: x,
    similarities: x.div(4).tanh(),
  })
  value.backward()
  return { value: value.item(), gradient: x.grad?.toFlatArray() ?? [] }
}

const rows = <T>(flat: readonly T[], count: number): T[][] =>
  Array.from({ length: count }, (_, i) =>
    flat.slice((i * flat.length) / count, ((i + 1) * flat.length) / count),
  )

test('every loss is in the fixture', () => {
  expect(new Set(reference.cases.map(({ loss }) => loss))).toEqual(new Set(Object.keys(losses)))
})

test('mixed and smoothed labels are asked of every loss that takes them', () => {
  const asked = reference.cases.filter(({ batch: name }) => name === 'mixed and smoothed labels')
  const soft = Object.keys(losses).filter((name) => takesSoftTargets(name))
  expect(new Set(asked.map(({ loss }) => loss))).toEqual(new Set(soft))
  expect(soft.length).toBeLessThan(Object.keys(losses).length)
})

test.each(
  reference.cases.map((entry) => [entry.loss, JSON.stringify(entry.options), entry.batch, entry] as const),
)(
  '%s %s on the %s batch equals the independent calculation',
  (name, _options, batchName, { options, value, gradient }) => {
    const { logits, targets, images } = reference.batches[batchName]
    const loss = makeLoss({ name, ...options }, contextOf(4))
    const found = evaluate(
      loss,
      rows(logits, images),
      rows(
        targets.map((target) => target ?? NaN),
        images,
      ),
    )
    const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b))
    expect(near(found.value, value), `${found.value} is not ${value}`).toBe(true)
    found.gradient.forEach((slope, i) =>
      expect(near(slope, gradient[i]), `gradient ${i}: ${slope} is not ${gradient[i]}`).toBe(true),
    )
  },
)

const batch = fc
  .record({ images: fc.integer({ min: 1, max: 6 }), labels: fc.integer({ min: 1, max: 5 }) })
  .chain(({ images, labels }) => {
    const matrix = <T>(element: fc.Arbitrary<T>): fc.Arbitrary<T[][]> =>
      fc.array(fc.array(element, { minLength: labels, maxLength: labels }), {
        minLength: images,
        maxLength: images,
      })
    return fc.record({
      logits: matrix(fc.double({ min: -30, max: 30, noNaN: true })),
      targets: matrix(fc.constantFrom(0, 1, NaN)),
    })
  })

/** Losses that let go of some logits on purpose. */
const NOT_MONOTONE = new Set([
  // Negatives that look very positive are let go: the far side of the hill.
  'hill',
  'ral',
  // Less variance can outweigh a better mean.
  'auc_margin',
  // The test's cosines hang on the logits, and those past the margin pull the other way.
  'dual_weighted_metric',
])

describe.each(Object.keys(losses))('%s', (name) => {
  const lossFor = (labels: number): Loss => makeLoss({ name }, contextOf(labels))

  test('has a finite value and gradient at the extremes', () => {
    for (const logit of [1e4, -1e4, 0]) {
      for (const target of [0, 1, NaN]) {
        const square = <T>(value: T): T[][] => [
          [value, value],
          [value, value],
        ]
        const { value, gradient } = evaluate(lossFor(2), square(logit), square(target))
        expect(Number.isFinite(value), `logit ${logit}, target ${target}`).toBe(true)
        expect(gradient.every(Number.isFinite), `logit ${logit}, target ${target}`).toBe(true)
      }
    }
  })

  test('nothing known gives no loss and no gradient', () => {
    const { value, gradient } = evaluate(lossFor(2), [[3, -2]], [[NaN, NaN]])
    expect(value).toBe(0)
    expect(gradient.map(Math.abs)).toEqual([0, 0])
  })

  test('does not depend on the order of the images', () => {
    fc.assert(
      fc.property(batch, ({ logits, targets }) => {
        const loss = lossFor(logits[0].length)
        const forwards = evaluate(loss, logits, targets).value
        const backwards = evaluate(loss, logits.toReversed(), targets.toReversed()).value
        expect(backwards).toBeCloseTo(forwards, 9)
      }),
      { numRuns: 30 },
    )
  })

  test('an unknown label has no say, as if it were not there', () => {
    fc.assert(
      fc.property(batch, fc.double({ min: -50, max: 50, noNaN: true }), ({ logits, targets }, other) => {
        const loss = lossFor(logits[0].length)
        const changed = logits.map((row, i) =>
          row.map((value, c) => (Number.isNaN(targets[i][c]) ? other : value)),
        )
        const before = evaluate(loss, logits, targets)
        expect(evaluate(loss, changed, targets).value).toBeCloseTo(before.value, 9)
        targets.flat().forEach((target, i) => {
          if (Number.isNaN(target)) expect(Math.abs(before.gradient[i])).toBe(0)
        })
        // An image of which nothing is known may as well be left out.
        const blank = [...logits, logits[0].map(() => other)]
        const more = [...targets, targets[0].map(() => NaN)]
        expect(evaluate(loss, blank, more).value).toBeCloseTo(before.value, 9)
      }),
      { numRuns: 30 },
    )
  })

  test.skipIf(NOT_MONOTONE.has(name))('pulls present labels up and absent ones down', () => {
    fc.assert(
      fc.property(batch, ({ logits, targets }) => {
        const { gradient } = evaluate(lossFor(logits[0].length), logits, targets)
        targets.flat().forEach((target, i) => {
          if (target === 1) expect(gradient[i]).toBeLessThanOrEqual(1e-12)
          if (target === 0) expect(gradient[i]).toBeGreaterThanOrEqual(-1e-12)
        })
      }),
      { numRuns: 30 },
    )
  })

  test('counts a label by its weight', () => {
    const weighted = (weights: number[]): number =>
      evaluate(
        makeLoss({ name, label_weights: weights }, contextOf(3)),
        [
          [1, -2, 0.5],
          [-1, 0.3, -0.7],
        ],
        [
          [1, 0, 0],
          [0, 1, 1],
        ],
      ).value
    expect(weighted([1, 1, 1])).toBeCloseTo(
      evaluate(
        lossFor(3),
        [
          [1, -2, 0.5],
          [-1, 0.3, -0.7],
        ],
        [
          [1, 0, 0],
          [0, 1, 1],
        ],
      ).value,
      12,
    )
    expect(weighted([5, 1, 1])).toBeGreaterThan(weighted([1, 1, 1]))
    expect(() => weighted([1, 1])).toThrow(RecipeError)
    expect(() => weighted([1, 1])).toThrow(/2 numbers for 3 labels/)
  })
})

test('a misspelt loss or option is answered with the nearest name', () => {
  expect(() => makeLoss({ name: 'focl' }, contextOf(2))).toThrow(/did you mean 'focal'/)
  expect(() => makeLoss({ name: 'focal', gama: 1 }, contextOf(2))).toThrow(
    /loss focal has no option 'gama'.*gamma/,
  )
})
