/** The contract of every loss in the registry. A new entry is checked without a new test. */
import { tensor, type Tensor } from '@plurad/torch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { losses, type Loss } from './registry.js'

interface Evaluated {
  value: number
  /** [N, C], flat. */
  gradient: number[]
}

function evaluate(loss: Loss, logits: number[][], targets: number[][]): Evaluated {
  const x = tensor(logits, { dtype: 'float64' }).requiresGrad_()
  const value: Tensor = loss(x, tensor(targets, { dtype: 'float64' }))
  value.backward()
  return { value: value.item(), gradient: x.grad?.toFlatArray() ?? [] }
}

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

describe.each(Object.entries(losses))('%s', (_name, loss) => {
  test('has a finite value and gradient at the extremes', () => {
    for (const logit of [1e4, -1e4, 0]) {
      for (const target of [0, 1, NaN]) {
        const { value, gradient } = evaluate(
          loss,
          [
            [logit, logit],
            [logit, logit],
          ],
          [
            [target, target],
            [target, target],
          ],
        )
        expect(Number.isFinite(value), `logit ${logit}, target ${target}`).toBe(true)
        expect(gradient.every(Number.isFinite), `logit ${logit}, target ${target}`).toBe(true)
      }
    }
  })

  test('nothing known gives no loss and no gradient', () => {
    const { value, gradient } = evaluate(loss, [[3, -2]], [[NaN, NaN]])
    expect(value).toBe(0)
    expect(gradient.map(Math.abs)).toEqual([0, 0])
  })

  test('does not depend on the order of the images', () => {
    fc.assert(
      fc.property(batch, ({ logits, targets }) => {
        const forwards = evaluate(loss, logits, targets).value
        const backwards = evaluate(loss, logits.toReversed(), targets.toReversed()).value
        expect(backwards).toBeCloseTo(forwards, 9)
      }),
      { numRuns: 30 },
    )
  })

  test('an unknown label has no say', () => {
    fc.assert(
      fc.property(batch, fc.double({ min: -50, max: 50, noNaN: true }), ({ logits, targets }, other) => {
        const changed = logits.map((row, i) =>
          row.map((value, c) => (Number.isNaN(targets[i][c]) ? other : value)),
        )
        const before = evaluate(loss, logits, targets)
        expect(evaluate(loss, changed, targets).value).toBeCloseTo(before.value, 9)
        targets.flat().forEach((target, i) => {
          if (Number.isNaN(target)) expect(Math.abs(before.gradient[i])).toBe(0)
        })
      }),
      { numRuns: 30 },
    )
  })
})

test('bce equals its formula in float64, value and gradient', () => {
  const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
  fc.assert(
    fc.property(batch, ({ logits, targets }) => {
      const pairs = logits.flatMap((row, i) => row.map((x, c) => ({ x, y: targets[i][c] })))
      const known = pairs.filter(({ y }) => !Number.isNaN(y))
      const sum = known.reduce((total, { x, y }) => total + softplus(x) - x * y, 0)
      const { value, gradient } = evaluate(losses.bce, logits, targets)
      expect(value).toBeCloseTo(sum / Math.max(known.length, 1), 10)
      pairs.forEach(({ x, y }, i) => {
        const expected = Number.isNaN(y) ? 0 : (sigmoid(x) - y) / Math.max(known.length, 1)
        expect(gradient[i]).toBeCloseTo(expected, 10)
      })
    }),
    { numRuns: 50 },
  )
})
