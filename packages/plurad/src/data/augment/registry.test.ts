/** The contract of every augmentation in the registry. A new entry is checked without a new test. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../random.js'
import { Augmenter } from './augment.js'
import { presets } from './presets.js'
import { operations } from './registry.js'
import { augmentationSchema, type AugmentationStep } from './steps.js'

const SIZE = 20

/** Planes of `images` images, smooth with some detail. */
function picture(size: number, channels: number, images: number, seed: number): Float32Array {
  const random = new Random(seed)
  const [u, v] = [random.range(0.1, 0.5), random.range(0.1, 0.5)]
  return Float32Array.from({ length: channels * images * size * size }, (_, at) => {
    const [x, y] = [at % size, Math.floor(at / size)]
    return Math.min(1, Math.max(0, 0.5 + 0.4 * Math.sin(u * x) * Math.cos(v * y) + 0.1 * random.next()))
  })
}

/** Settings that make the operation do something to so small an image, where its defaults do not. */
const telling: Readonly<Record<string, object>> = {
  affine: { degrees: 10, translate: 0.1, scale: [0.9, 1.1] },
  clahe: { tiles: 2, clip_limit: [1, 60] },
}

test('names are unique and summaries are one line', () => {
  const names = [...operations.map(({ name }) => name), ...Object.keys(presets)]
  expect(new Set(names).size).toBe(names.length)
  for (const { name, summary } of operations) {
    expect(name).toMatch(/^[a-z_]+$/)
    expect(summary).toMatch(/^[^\n]{3,80}$/)
  }
})

describe.each(operations.map((operation) => [operation.name, operation] as const))(
  '%s',
  (name, { crops }) => {
    const size = crops ? SIZE + 5 : SIZE
    const step = { name, ...telling[name], ...(crops ? {} : { p: 1 }) }
    const make = (channels: number, settings: object = {}) =>
      new Augmenter([{ ...step, ...settings }], { channels, size, target: SIZE })

    test('gives finite values in [0, 1], of the size that is wanted, and leaves its input alone', () => {
      fc.assert(
        fc.property(fc.constantFrom(1, 3), fc.constantFrom(1, 2), fc.nat(), (channels, images, seed) => {
          const given = picture(size, channels, images, seed)
          const before = given.slice()
          const result = make(channels).apply(given, new Random(seed))
          expect(result).toHaveLength(channels * images * SIZE * SIZE)
          for (const value of result) if (!(value >= 0 && value <= 1)) throw new Error(`a value of ${value}`)
          expect(given).toEqual(before)
        }),
        { numRuns: 25 },
      )
    })

    test('depends on the random numbers it is given, and on nothing else', () => {
      const given = picture(size, 1, 1, 4)
      const outcomes = Array.from({ length: 12 }, (_, seed) => make(1).apply(given, new Random(7, seed)))
      const again = make(1)
      outcomes.forEach((outcome, seed) => expect(again.apply(given, new Random(7, seed))).toEqual(outcome))
      const different = new Set(outcomes.map((outcome) => outcome.join()))
      // Mirroring is the same whenever it is done.
      expect(different.size).toBeGreaterThan(/_flip$/.test(name) ? 0 : 2)
      if (!crops) expect(outcomes.some((outcome) => outcome.join() !== given.join())).toBe(true)
    })

    test('does the same to every image of a sample', () => {
      if (name === 'gaussian_noise') return
      const one = picture(size, 3, 1, 5)
      const two = Float32Array.of(...one, ...one)
      const result = make(3).apply(two, new Random(3))
      const half = result.length / 2
      expect(result.subarray(half)).toEqual(result.subarray(0, half))
    })

    test('is left out with p 0, and is not always done with p 0.5', () => {
      if (crops) return
      const given = picture(size, 1, 1, 6)
      expect(make(1, { p: 0 }).apply(given, new Random(1))).toEqual(given)
      const often = make(1, { p: 0.5 })
      const done = Array.from(
        { length: 60 },
        (_, seed) => often.apply(given, new Random(seed)).join() !== given.join(),
      )
      expect(done.filter(Boolean).length).toBeGreaterThan(10)
      expect(done.filter(Boolean).length).toBeLessThan(50)
    })

    test('takes images that are black, white or tiny', () => {
      for (const level of [0, 1]) {
        const even = new Float32Array(size * size).fill(level)
        for (const value of make(1).apply(even, new Random(2))) expect(Number.isFinite(value)).toBe(true)
      }
      const tiny = new Augmenter([step], { channels: 1, size: crops ? 2 : 1, target: 1 })
      const result = tiny.apply(new Float32Array(crops ? 4 : 1).fill(0.5), new Random(1))
      expect(result).toHaveLength(1)
      expect(Number.isFinite(result[0])).toBe(true)
    })

    test('writes its defaults out, and reads them back', () => {
      const written = augmentationSchema.parse([name])
      expect(written[0].name).toBe(name)
      expect(augmentationSchema.parse(JSON.parse(JSON.stringify(written)) as unknown)).toEqual(written)
    })
  },
)

describe.each(Object.entries(presets))('preset %s', (name, steps: readonly AugmentationStep[]) => {
  test('is what a recipe takes, by its name or spelled out', () => {
    expect(augmentationSchema.parse(name)).toEqual(augmentationSchema.parse(steps))
    expect(augmentationSchema.parse([name, 'random_erasing'])).toHaveLength(steps.length + 1)
  })

  test('changes an image, and not beyond recognition', () => {
    const augmenter = new Augmenter(augmentationSchema.parse(name), { channels: 1, size: 48, target: 48 })
    const given = picture(48, 1, 1, 8)
    for (let seed = 0; seed < 20; seed++) {
      const result = augmenter.apply(given, new Random(seed))
      expect(result).not.toEqual(given)
      const mean = (values: Float32Array): number =>
        values.reduce((sum, value) => sum + value, 0) / values.length
      // Views of simclr show another part of the image, so that pixels have no counterpart; what they show is as bright.
      const difference = name.startsWith('simclr_')
        ? Math.abs(mean(result) - mean(given))
        : mean(result.map((value, at) => Math.abs(value - given[at])))
      expect(difference).toBeLessThan(name.startsWith('simclr_') ? 0.25 : 0.35)
    }
  })
})
