import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashOf, Random } from './random.js'

test('streams of different names differ, of the same name agree', () => {
  const take = (...key: number[]): number[] => {
    const random = new Random(...key)
    return Array.from({ length: 4 }, () => random.next())
  }
  expect(take(1, 2)).toEqual(take(1, 2))
  expect(take(1, 2)).not.toEqual(take(2, 1))
  expect(hashOf(5)).not.toBe(hashOf(5 + 2 ** 32))
})

test('uniform and normal draws have the moments they should', () => {
  const random = new Random(42)
  const count = 50_000
  const uniform = Array.from({ length: count }, () => random.next())
  const normal = Array.from({ length: count }, () => random.normal(3, 2))
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  // Four standard errors.
  expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan((4 * Math.sqrt(1 / 12)) / Math.sqrt(count))
  expect(Math.abs(mean(normal) - 3)).toBeLessThan((4 * 2) / Math.sqrt(count))
  expect(mean(normal.map((value) => (value - 3) ** 2))).toBeCloseTo(4, 0)
})

test('ranges and integers stay inside their limits', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, count) => {
      const random = new Random(seed)
      const value = random.integer(count)
      const ranged = random.range(-2, 5)
      return Number.isInteger(value) && value >= 0 && value < count && ranged >= -2 && ranged < 5
    }),
  )
})
