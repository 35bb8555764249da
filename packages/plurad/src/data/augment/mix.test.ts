import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { cutMix, drawBeta, mixBalanced, mixUp, reordered, type LabelledBatch } from './mix.js'

const SIZE = 12

/** Images of one even level each, so that pixels tell where they come from. */
const batch = (levels: readonly number[], targets: readonly number[]): LabelledBatch => ({
  pixels: Float32Array.from(levels.flatMap((level) => new Array<number>(SIZE * SIZE).fill(level))),
  targets: Float32Array.from(targets),
})

describe('mixUp', () => {
  it('mixes images and labels by the same share; unknown wins', () => {
    const mixed = mixUp(batch([0.2, 0.8], [1, 0, NaN, 1]), batch([0.6, 0], [0, NaN, 1, 1]), 0.75)
    expect(mixed.pixels[0]).toBeCloseTo(0.3)
    expect(mixed.pixels[SIZE * SIZE]).toBeCloseTo(0.6)
    expect([...mixed.targets]).toEqual([0.75, NaN, NaN, 1])
  })

  it('with a share of 1 or 0 is one of the two, also where the other is unknown', () => {
    const [a, b] = [batch([0.1], [1, 0]), batch([0.9], [NaN, 1])]
    expect(mixUp(a, b, 1)).toEqual(a)
    expect(mixUp(a, b, 0)).toEqual(b)
  })

  it('refuses batches of different sizes', () => {
    expect(() => mixUp(batch([0.1], [1]), batch([0.1, 0.2], [1, 0]), 0.5)).toThrow(RangeError)
  })
})

describe('cutMix', () => {
  it('mixes labels by the area that was really taken, from one rectangle', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (share, seed) => {
        const a = batch([0, 0], [1, 0, 1, 0])
        const b = batch([1, 1], [0, 1, 1, 0])
        const mixed = cutMix(a, b, share, SIZE, new Random(seed))
        const taken = [...mixed.pixels.keys()].filter((at) => mixed.pixels[at] === 1)
        const plane = taken.filter((at) => at < SIZE * SIZE)
        expect(taken).toHaveLength(2 * plane.length)
        const covered = plane.length / SIZE ** 2
        expect(covered).toBeLessThanOrEqual(1 - share + 1e-9)
        const width = new Set(plane.map((at) => at % SIZE)).size
        const height = new Set(plane.map((at) => Math.floor(at / SIZE))).size
        expect(plane).toHaveLength(width * height)
        expect(mixed.targets[0]).toBeCloseTo(1 - covered, 6)
        expect(mixed.targets[1]).toBeCloseTo(covered, 6)
        expect(mixed.targets[2]).toBe(1)
        expect(mixed.targets[3]).toBe(0)
        // The originals stay.
        expect(a.pixels.every((value) => value === 0)).toBe(true)
      }),
    )
  })

  it('keeps unknown labels unknown where both have a part', () => {
    const mixed = cutMix(batch([0], [NaN, 1]), batch([1], [1, NaN]), 0.5, SIZE, new Random(1))
    expect([...mixed.targets]).toEqual([NaN, NaN])
  })
})

describe('drawBeta', () => {
  it.each([
    [0.2, 0.2],
    [1, 1],
    [0.3, 1],
    [2, 5],
  ])('Beta(%d, %d) has its mean and variance', (a, b) => {
    const random = new Random(9)
    const draws = Array.from({ length: 20_000 }, () => drawBeta(random, a, b))
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...draws)).toBeLessThanOrEqual(1)
    const expected = (a * b) / ((a + b) ** 2 * (a + b + 1))
    // Five standard errors of the mean; the variance within 5 %.
    expect(Math.abs(mean - a / (a + b))).toBeLessThan(5 * Math.sqrt(expected / draws.length))
    expect(variance / expected).toBeGreaterThan(0.95)
    expect(variance / expected).toBeLessThan(1.05)
  })

  it('is a coin toss where the parameters vanish', () => {
    const random = new Random(4)
    const draws = Array.from({ length: 500 }, () => drawBeta(random, 1e-9, 1e-9))
    expect(draws.every((value) => value === 0 || value === 1)).toBe(true)
    expect(new Set(draws).size).toBe(2)
  })
})

describe('mixBalanced', () => {
  const drawn = batch([0, 0, 0], [0, 0, NaN])
  const balanced = batch([0.4, 0.8], [1, 1])

  it('adds one share of the class-balanced images, which take turns where they are fewer', () => {
    const shares = Array.from({ length: 400 }, (_, seed) => {
      const mixed = mixBalanced(drawn, 3, balanced, 2, { alpha: 0.5, p: 1 }, new Random(seed))
      const share = mixed.pixels[0] / 0.4
      expect(mixed.pixels[SIZE * SIZE]).toBeCloseTo(0.8 * share, 6)
      expect(mixed.pixels[2 * SIZE * SIZE]).toBeCloseTo(0.4 * share, 6)
      if (share > 0 && share < 1) expect(mixed.targets[2]).toBeNaN()
      expect(mixed.targets[0]).toBeCloseTo(share, 6)
      return share
    })
    // Beta(1/2, 1): mean 1/3, and half of them below 1/4.
    expect(shares.reduce((a, b) => a + b, 0) / shares.length).toBeCloseTo(1 / 3, 1)
    expect(Math.abs(shares.filter((share) => share < 0.25).length / shares.length - 0.5)).toBeLessThan(0.1)
  })

  it('leaves the batch alone where the lot says so, or nothing could be read', () => {
    expect(mixBalanced(drawn, 3, balanced, 2, { alpha: 0.5, p: 0 }, new Random(1))).toBe(drawn)
    expect(mixBalanced(drawn, 3, batch([], []), 0, { alpha: 0.5, p: 1 }, new Random(1))).toBe(drawn)
  })
})

it('reordered takes images with their labels', () => {
  const other = reordered(batch([0.1, 0.2, 0.3], [1, 2, 3]), [2, 0, 1])
  expect([...other.targets]).toEqual([3, 1, 2])
  expect(other.pixels[0]).toBeCloseTo(0.3)
})
