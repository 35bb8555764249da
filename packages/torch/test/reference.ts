/** Reads the fixtures: tensors written by `fixtures/encode.py`, and the comparison with them. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { fromTypedArray, Tensor, type DType } from '../src/index.js'

/** A tensor in a fixture: flat values in row-major order, numbers that JSON cannot hold as text. */
export interface Encoded {
  dtype: DType
  shape: number[]
  values: (number | string)[]
}

export function readFixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8'))
}

export function isEncoded(value: unknown): value is Encoded {
  return typeof value === 'object' && value !== null && 'values' in value && 'dtype' in value
}

const special: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, '-inf': -Infinity }

export function numbersOf({ values }: Encoded): number[] {
  return values.map((value) => (typeof value === 'number' ? value : special[value]))
}

export function decode(encoded: Encoded): Tensor {
  const double = fromTypedArray(Float64Array.from(numbersOf(encoded)), encoded.shape)
  return double.to({ dtype: encoded.dtype })
}

/** Tensors of a fixture, however deep in lists and objects, as tensors; numbers written as text as numbers. */
export function decodeAll(value: unknown): unknown {
  if (isEncoded(value)) return decode(value)
  if (Array.isArray(value)) return value.map(decodeAll)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, decodeAll(element)]))
  }
  return typeof value === 'string' ? (special[value] ?? value) : value
}

/** What each dtype is computed in allows. */
const tolerances: Partial<Record<DType, number>> = { float64: 1e-10, float32: 2e-6, float16: 0, bfloat16: 0 }

/** Fails where `actual` is not the tensor (or number, or list of them) of the fixture. */
export function expectReference(actual: unknown, expected: unknown, tolerance?: number): void {
  if (!isEncoded(expected)) {
    if (Array.isArray(expected)) {
      expect(Array.isArray(actual)).toBe(true)
      expect(actual).toHaveLength(expected.length)
      expected.forEach((element, i) => {
        expectReference((actual as unknown[])[i], element, tolerance)
      })
    } else if (typeof expected === 'number' && typeof actual === 'boolean') {
      expect(Number(actual)).toBe(expected)
    } else {
      expect(actual).toEqual(expected)
    }
    return
  }
  if (!(actual instanceof Tensor)) throw new TypeError(`expected a Tensor, got ${String(actual)}`)
  expect({ shape: actual.shape, dtype: actual.dtype }).toEqual({
    shape: expected.shape,
    dtype: expected.dtype,
  })
  expectClose(actual.toFlatArray(), numbersOf(expected), tolerance ?? tolerances[expected.dtype] ?? 0)
}

/** Relative to the larger of 1 and the expected value; not a number equals itself. */
export function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length)
  const wrong = expected.flatMap((value, i) => {
    const off = Math.abs(actual[i] - value) / Math.max(1, Math.abs(value))
    return Object.is(actual[i], value) || actual[i] === value || off <= tolerance
      ? []
      : [{ position: i, expected: value, actual: actual[i] }]
  })
  expect(wrong).toEqual([])
}
