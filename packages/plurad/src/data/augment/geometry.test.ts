import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { affine, compose, resample, translation, type Transform } from './geometry.js'

/** Made by test/fixtures/augment/make.py. */
const fixture = new URL('../../../test/fixtures/augment/augment.json', import.meta.url)
const { moves, rotations, cuts } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  moves: (Parameters<typeof affine>[0] & {
    size: number
    channels: number
    data: number[]
    black: number[]
    edge: number[]
  })[]
  rotations: { size: number; angle: number; data: number[]; expected: number[] }[]
  cuts: (Record<'size' | 'target' | 'top' | 'left' | 'height' | 'width', number> & {
    data: number[]
    expected: number[]
  })[]
}

const floats = (values: readonly number[]) => Float32Array.from(values)
const same = (size: number) => ({ size, target: size })

function expectClose(result: Float32Array, expected: readonly number[], tolerance = 2e-5): void {
  expect(result).toHaveLength(expected.length)
  expected.forEach((value, at) => expect(Math.abs(result[at] - value), `at ${at}`).toBeLessThan(tolerance))
}

describe('affine', () => {
  it.each(moves)('equals torchvision: angle $angle, scale $scale, shear $shear', (fixed) => {
    const transform = affine(fixed)
    expectClose(resample(floats(fixed.data), same(fixed.size), transform, 'black'), fixed.black)
    expectClose(resample(floats(fixed.data), same(fixed.size), transform, 'edge'), fixed.edge)
  })

  it.each(rotations)("equals torchvision's rotate: $angle degrees", ({ size, angle, data, expected }) => {
    const transform = affine({ angle, translate: [0, 0], scale: 1, shear: [0, 0] })
    expectClose(resample(floats(data), same(size), transform, 'black'), expected)
  })

  it('turns clockwise, and by a quarter without changing a value', () => {
    const quarter = affine({ angle: 90, translate: [0, 0], scale: 1, shear: [0, 0] })
    expectClose(resample(floats([1, 2, 3, 4]), same(2), quarter, 'black'), [3, 1, 4, 2], 1e-6)
  })
})

describe('resample', () => {
  it.each(cuts)('equals resized_crop inside: $width x $height to $target', (fixed) => {
    const { size, target, left, top, width, height, data, expected } = fixed
    const middle = translation(left + (width - size) / 2, top + (height - size) / 2)
    const stretch = { a: width / target, b: 0, c: 0, d: height / target, tx: 0, ty: 0 }
    const result = resample(floats(data), { size, target }, compose(middle, stretch), 'edge')
    // Within a pixel of the border torchvision no longer knows what lies beyond the cut, which is there here.
    for (let y = 2; y < target - 2; y++) {
      for (let x = 2; x < target - 2; x++) {
        expect(Math.abs(result[y * target + x] - expected[y * target + x])).toBeLessThan(2e-5)
      }
    }
  })

  it('copies where pixels fall on pixels', () => {
    const values = floats([1, 2, 3, 4, 5, 6, 7, 8, 9])
    const mirror = { a: -1, b: 0, c: 0, d: 1, tx: 0, ty: 0 }
    expect([...resample(values, same(3), mirror, 'edge')]).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7])
    expect([...resample(values, same(3), translation(1, -1), 'edge')]).toEqual([2, 3, 3, 2, 3, 3, 5, 6, 6])
    expect([...resample(values, same(3), translation(1, -1), 'black')]).toEqual([0, 0, 0, 2, 3, 0, 5, 6, 0])
    expect([...resample(values, same(3), translation(7, 0), 'edge')]).toEqual([3, 3, 3, 6, 6, 6, 9, 9, 9])
    const cut = resample(values, { size: 3, target: 2 }, translation(0.5, -0.5), 'black')
    expect([...cut]).toEqual([2, 3, 5, 6])
  })

  it('stays between the least and the greatest value', () => {
    const small = fc.double({ min: -3, max: 3, noNaN: true })
    const transforms: fc.Arbitrary<Transform> = fc.record({
      a: small,
      b: small,
      c: small,
      d: small,
      tx: fc.double({ min: -40, max: 40, noNaN: true }),
      ty: fc.double({ min: -40, max: 40, noNaN: true }),
    })
    fc.assert(
      fc.property(
        transforms,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (t, size, target) => {
          const values = Float32Array.from({ length: 2 * size * size }, (_, at) => 0.2 + (0.6 * (at % 7)) / 6)
          const edge = resample(values, { size, target }, t, 'edge')
          expect(edge).toHaveLength(2 * target * target)
          expect(Math.min(...edge)).toBeGreaterThanOrEqual(0.2 - 1e-6)
          expect(Math.max(...edge)).toBeLessThanOrEqual(0.8 + 1e-6)
          const black = resample(values, { size, target }, t, 'black')
          expect(Math.min(...black)).toBeGreaterThanOrEqual(0)
        },
      ),
    )
  })
})

describe('compose', () => {
  it('is one transform after the other, on a picture without detail', () => {
    // A slope survives interpolation unchanged, so that two steps and one have to agree.
    const size = 41
    const slope = Float32Array.from(
      { length: size * size },
      (_, at) => (at % size) * 0.01 + Math.floor(at / size) * 0.003,
    )
    const first = affine({ angle: 12, translate: [2.3, -1.1], scale: 0.9, shear: [3, 0] })
    const second = affine({ angle: -31, translate: [-0.7, 0.4], scale: 1.2, shear: [0, 5] })
    const twice = resample(resample(slope, same(size), first, 'edge'), same(size), second, 'edge')
    const once = resample(slope, same(size), compose(first, second), 'edge')
    for (let y = 14; y < 27; y++) {
      for (let x = 14; x < 27; x++) expect(once[y * size + x]).toBeCloseTo(twice[y * size + x], 5)
    }
  })
})
