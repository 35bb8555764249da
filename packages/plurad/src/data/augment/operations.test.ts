/** Single operations against torchvision and OpenCV. What holds for all of them is in `registry.test.ts`. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { Random } from '../random.js'
import { Augmenter } from './augment.js'
import type { Picture } from './operation.js'
import { find, type AugmentationStep } from './steps.js'

/** Made by test/fixtures/augment/make.py. */
const fixture = new URL('../../../test/fixtures/augment/augment.json', import.meta.url)
const { levels, blurs, clahe } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  levels: {
    name: string
    amount: number
    size: number
    channels: number
    data: number[]
    expected: number[]
  }[]
  blurs: { size: number; channels: number; sigma: number; data: number[]; expected: number[] }[]
  clahe: { size: number; tiles: number; clip: number; data: number[]; expected: number[] }[]
}

function applied(name: string, settings: object, picture: Picture): Float32Array {
  const operation = find(name)?.bind({ p: 1, ...settings })
  if (operation?.kind !== 'intensity') throw new Error(`${name} is no operation on values`)
  operation.apply(picture, new Random(1))
  return picture.pixels
}

function expectClose(result: Float32Array, expected: readonly number[], tolerance: number): void {
  expect(result).toHaveLength(expected.length)
  expected.forEach((value, at) => expect(Math.abs(result[at] - value), `at ${at}`).toBeLessThan(tolerance))
}

describe('equal to torchvision', () => {
  test.each(levels)(
    '$name by $amount, $channels channel(s)',
    ({ name, amount, size, channels, data, expected }) => {
      const settings = name === 'gamma' ? { range: [amount, amount] } : { factor: [amount, amount] }
      expectClose(
        applied(name, settings, { pixels: Float32Array.from(data), size, channels }),
        expected,
        1e-4,
      )
    },
  )

  test.each(blurs)('gaussian_blur with sigma $sigma', ({ size, channels, sigma, data, expected }) => {
    const picture = { pixels: Float32Array.from(data), size, channels }
    expectClose(applied('gaussian_blur', { sigma: [sigma, sigma] }, picture), expected, 2e-6)
  })
})

describe('clahe', () => {
  it.each(clahe)(
    'equals OpenCV: $size pixels, $tiles tiles, clip limit $clip',
    ({ size, tiles, clip, data, expected }) => {
      const pixels = Float32Array.from(data, (value) => value / 255)
      const result = applied('clahe', { clip_limit: [clip, clip], tiles }, { pixels, size, channels: 1 })
      // OpenCV rounds to whole grey values twice: in the curves and at the end.
      const levels = result.map((value) => value * 255)
      expectClose(levels, expected, 1 + 1e-3)
      const total = expected.reduce((sum, value, at) => sum + Math.abs(levels[at] - value), 0)
      expect(total / expected.length).toBeLessThan(0.35)
    },
  )

  it('keeps the differences between the channels of a colour image', () => {
    const size = 16
    const plane = size * size
    const grey = Array.from({ length: plane }, (_, at) => 0.3 + 0.2 * Math.sin(at / 9))
    const pixels = Float32Array.from([...grey, ...grey.map((value) => value + 0.1), ...grey])
    const result = applied('clahe', { clip_limit: [2, 2], tiles: 2 }, { pixels, size, channels: 3 })
    let compared = 0
    for (let at = 0; at < plane; at++) {
      expect(result[at + 2 * plane]).toBe(result[at])
      if (result[at] === 0 || result[at + plane] === 1) continue
      expect(result[at + plane] - result[at]).toBeCloseTo(0.1, 5)
      compared++
    }
    expect(compared).toBeGreaterThan(plane / 2)
  })
})

test('contrast takes the mean of each image of a sample, not of all together', () => {
  const pixels = Float32Array.of(0.2, 0.4, 0.2, 0.4, 0.6, 0.8, 0.6, 0.8)
  const result = applied('contrast', { factor: [0, 0] }, { pixels, size: 2, channels: 1 })
  expectClose(result, [0.3, 0.3, 0.3, 0.3, 0.7, 0.7, 0.7, 0.7], 1e-6)
})

test('gaussian_noise has the standard deviation that was asked for, and mean 0', () => {
  const pixels = new Float32Array(200 * 200).fill(0.5)
  const result = applied('gaussian_noise', { std: [0.05, 0.05] }, { pixels, size: 200, channels: 1 })
  const noise = [...result].map((value) => value - 0.5)
  const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length
  const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value ** 2, 0) / noise.length)
  // Five standard errors.
  expect(Math.abs(mean)).toBeLessThan((5 * 0.05) / 200)
  expect(Math.abs(deviation - 0.05)).toBeLessThan((5 * 0.05) / Math.sqrt(2) / 200)
})

describe('random_erasing', () => {
  it('covers one rectangle within the areas and proportions given, with what was asked for', () => {
    const size = 100
    const operation = find('random_erasing')?.bind({
      p: 1,
      scale: [0.05, 0.2],
      ratio: [0.5, 2],
      fill: 'black',
    })
    if (operation?.kind !== 'intensity') throw new Error('expected an operation on values')
    for (let seed = 0; seed < 50; seed++) {
      const pixels = new Float32Array(2 * size * size).fill(0.6)
      operation.apply({ pixels, size, channels: 1 }, new Random(seed))
      const covered = [...pixels.keys()].filter((at) => pixels[at] === 0)
      const plane = covered.filter((at) => at < size * size)
      // Both images of the sample at the same place.
      expect(covered.slice(plane.length)).toEqual(plane.map((at) => at + size * size))
      const columns = plane.map((at) => at % size)
      const rows = plane.map((at) => Math.floor(at / size))
      const width = Math.max(...columns) - Math.min(...columns) + 1
      const height = Math.max(...rows) - Math.min(...rows) + 1
      expect(plane).toHaveLength(width * height)
      expect(plane.length / size ** 2).toBeGreaterThan(0.045)
      expect(plane.length / size ** 2).toBeLessThan(0.21)
      expect(height / width).toBeGreaterThan(0.45)
      expect(height / width).toBeLessThan(2.2)
    }
  })

  it('covers with the mean, which leaves an even image as it is', () => {
    const pixels = new Float32Array(400).fill(0.25)
    expectClose(
      applied('random_erasing', {}, { pixels, size: 20, channels: 1 }),
      new Array<number>(400).fill(0.25),
      1e-6,
    )
  })
})

/** Where one bright pixel of a 31 x 31 image goes, for many seeds: column and row, or null where it left the image. */
function travels(step: AugmentationStep, options = { size: 31, target: 31 }): ([number, number] | null)[] {
  const { size, target } = options
  const augmenter = new Augmenter([step], { channels: 1, ...options })
  const pixels = new Float32Array(size * size)
  pixels[Math.floor(size / 2) * size + Math.floor(size / 2)] = 1
  return Array.from({ length: 600 }, (_, seed) => {
    const result = augmenter.apply(pixels, new Random(seed))
    const at = result.indexOf(Math.max(...result))
    return result[at] > 0.2 ? [at % target, Math.floor(at / target)] : null
  })
}

test('random_shift reaches every place within its limit, and none beyond', () => {
  const places = travels({ name: 'random_shift', pixels: 2 })
  expect(new Set(places.map(String)).size).toBe(25)
  for (const place of places) {
    for (const position of place ?? [NaN]) expect(Math.abs(position - 15)).toBeLessThanOrEqual(2)
  }
})

test('random_crop reaches every place, with whole pixels', () => {
  const augmenter = new Augmenter([{ name: 'random_crop' }], { channels: 1, size: 9, target: 6 })
  const pixels = Float32Array.from({ length: 81 }, (_, at) => at / 81)
  const corners = new Set<number>()
  for (let seed = 0; seed < 400; seed++) {
    const result = augmenter.apply(pixels, new Random(seed))
    const corner = Math.round(result[0] * 81)
    corners.add(corner)
    const expected = Array.from({ length: 36 }, (_, at) => pixels[corner + Math.floor(at / 6) * 9 + (at % 6)])
    expect([...result]).toEqual(expected)
  }
  expect([...corners].sort((a, b) => a - b)).toEqual(
    [0, 1, 2, 3].flatMap((row) => [0, 1, 2, 3].map((x) => row * 9 + x)),
  )
})

test('random_resized_crop shows shares of the area within its limits, and keeps to the image', () => {
  // A slope tells where a pixel came from.
  const size = 60
  const across = Float32Array.from({ length: size * size }, (_, at) => ((at % size) + 0.5) / size)
  const down = Float32Array.from({ length: size * size }, (_, at) => (Math.floor(at / size) + 0.5) / size)
  const settings = { scale: [0.3, 0.8], ratio: [0.75, 1.25] }
  const augmenter = new Augmenter([{ name: 'random_resized_crop', ...settings }], {
    channels: 1,
    size,
    target: 40,
  })
  const areas: number[] = []
  for (let seed = 0; seed < 200; seed++) {
    const [x, y] = [across, down].map((slope) => augmenter.apply(slope, new Random(seed)))
    const row = 20 * 40
    const width = (x[row + 30] - x[row + 10]) * 2
    const height = (y[30 * 40] - y[10 * 40]) * 2
    areas.push(width * height)
    expect(width / height).toBeGreaterThan(0.75 * 0.95)
    expect(width / height).toBeLessThan(1.25 * 1.05)
  }
  expect(Math.min(...areas)).toBeGreaterThan(0.3 * 0.95)
  expect(Math.max(...areas)).toBeLessThan(0.8 * 1.05)
  expect(Math.max(...areas) - Math.min(...areas)).toBeGreaterThan(0.4)
})

test('affine moves by up to its share of the side', () => {
  const places = travels({ name: 'affine', translate: 0.2 })
  const columns = places.map((place) => place?.[0] ?? NaN)
  expect(Math.min(...columns)).toBeGreaterThanOrEqual(15 - 7)
  expect(Math.max(...columns)).toBeLessThanOrEqual(15 + 7)
  expect(Math.max(...columns) - Math.min(...columns)).toBeGreaterThan(9)
})
