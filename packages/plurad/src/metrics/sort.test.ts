import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { argsortDescending } from './sort.js'

describe('argsortDescending', () => {
  it('equals a stable comparison sort on any numbers', () => {
    fc.assert(
      fc.property(fc.float64Array({ noNaN: true, maxLength: 200 }), (values) => {
        const expected = [...values.keys()].sort((a, b) => {
          const [left, right] = [values[a], values[b]]
          return left === right ? a - b : left > right ? -1 : 1
        })
        expect([...argsortDescending(values)]).toEqual(expected)
      }),
    )
  })

  it('keeps the order of equal values, -0 and 0 among them', () => {
    expect([...argsortDescending(Float64Array.of(0, 1, -0, 1, 0, -Infinity, Infinity))]).toEqual([
      6, 1, 3, 0, 2, 4, 5,
    ])
  })

  it('sorts nothing', () => {
    expect([...argsortDescending(new Float64Array())]).toEqual([])
  })

  it('refuses NaN', () => {
    expect(() => argsortDescending(Float64Array.of(1, NaN))).toThrow('values[1] is NaN')
  })
})
