import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resizeWithTypeScript } from './resize-kernel.js'
import { resizeWithSimd } from './resize-simd.js'
import { resize, resizeJob, type ResizeOptions, type Source } from './resize.js'

interface Case extends Required<Omit<ResizeOptions, 'window'>>, Omit<Source, 'data'> {
  /** What torch.nn.functional.interpolate gives, [channels, outHeight, outWidth], clamped, to six decimals. */
  expected: number[]
}

/** Made by test/fixtures/resize/make.py. */
const fixture = new URL('../../test/fixtures/resize/resize.json', import.meta.url)
const { small, large } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  small: (Case & { data: number[] })[]
  /** Every so many-th value of the result for an image made by `pattern`. */
  large: (Case & { every: number })[]
}

const typed = (data: Iterable<number>, maxValue: number) =>
  maxValue === 255 ? Uint8Array.from(data) : Uint16Array.from(data)

/** The rule of make.py. */
function pattern(length: number, maxValue: number): Uint8Array | Uint16Array {
  const hash = (at: number): number => Math.imul(at, 2654435761) >>> (maxValue === 255 ? 24 : 16)
  return typed(
    Array.from({ length }, (_, at) => hash(at)),
    maxValue,
  )
}

const clamped = (value: number): number => Math.min(1, Math.max(0, value))

describe('resize', () => {
  it.each(small)(
    'equals torch, $interpolation: $width x $height x $channels to $outWidth x $outHeight',
    ({ data, expected, ...fixed }) => {
      const result = resize({ ...fixed, data: typed(data, fixed.maxValue) }, fixed)
      expect(result).toHaveLength(expected.length)
      expected.forEach((value, at) => expect(Math.abs(clamped(result[at]) - value)).toBeLessThan(2e-6))
    },
  )

  // PyTorch computes positions and weights in single precision, which is what is left here.
  it.each(large)(
    'equals torch, $interpolation: $width x $height x $channels of $maxValue to $outWidth x $outHeight',
    ({ expected, every, ...fixed }) => {
      const data = pattern(fixed.width * fixed.height * fixed.channels, fixed.maxValue)
      const result = resize({ ...fixed, data }, fixed)
      expected.forEach((value, at) =>
        expect(Math.abs(clamped(result[at * every]) - value)).toBeLessThan(1e-5),
      )
    },
  )

  const jobs = fc.record({
    width: fc.integer({ min: 1, max: 80 }),
    height: fc.integer({ min: 1, max: 40 }),
    channels: fc.constantFrom(1 as const, 3 as const),
    maxValue: fc.constantFrom(255, 65535),
    outWidth: fc.integer({ min: 1, max: 40 }),
    outHeight: fc.integer({ min: 1, max: 40 }),
    interpolation: fc.constantFrom('bilinear' as const, 'bicubic' as const),
    seed: fc.nat(),
  })
  const noise = (length: number, maxValue: number, seed: number) =>
    typed(
      Array.from({ length }, (_, at) => (Math.imul(at + seed, 2654435761) >>> 8) % (maxValue + 1)),
      maxValue,
    )

  it('keeps an even picture even', () => {
    fc.assert(
      fc.property(jobs, (job) => {
        const data = typed(new Array<number>(job.width * job.height * job.channels).fill(200), job.maxValue)
        const same = resize({ ...job, data }, job)
        expect(Math.max(...same) * job.maxValue).toBeCloseTo(200, 3)
        expect(Math.min(...same) * job.maxValue).toBeCloseTo(200, 3)
      }),
    )
  })

  it('never leaves the range of its input where no weight is negative', () => {
    fc.assert(
      fc.property(jobs, ({ seed, ...job }) => {
        const data = noise(job.width * job.height * job.channels, job.maxValue, seed)
        const within = resize({ ...job, data }, { ...job, interpolation: 'bilinear' })
        expect(Math.min(...within)).toBeGreaterThanOrEqual(0)
        expect(Math.max(...within)).toBeLessThanOrEqual(1 + 1e-6)
      }),
    )
  })

  it('computes a window as the same part of the whole, to the bit', () => {
    fc.assert(
      fc.property(jobs, fc.nat(), fc.nat(), fc.nat(), ({ seed, ...job }, a, b, c) => {
        const data = noise(job.width * job.height * job.channels, job.maxValue, seed)
        const { outWidth, outHeight, channels } = job
        const left = a % outWidth
        const top = b % outHeight
        const window = { left, top, width: 1 + (c % (outWidth - left)), height: 1 + (c % (outHeight - top)) }
        const whole = resize({ ...job, data }, job)
        const part = resize({ ...job, data }, { ...job, window })
        let at = 0
        for (let channel = 0; channel < channels; channel++) {
          for (let row = 0; row < window.height; row++) {
            const from = (channel * outHeight + top + row) * outWidth + left
            expect(part.subarray(at, at + window.width)).toEqual(whole.subarray(from, from + window.width))
            at += window.width
          }
        }
      }),
    )
  })

  it('gives the same to the bit with and without vector instructions', () => {
    fc.assert(
      fc.property(jobs, fc.nat(), ({ seed, ...job }, a) => {
        const data = noise(job.width * job.height * job.channels, job.maxValue, seed)
        const left = a % job.outWidth
        const window = { left, top: 0, width: job.outWidth - left, height: job.outHeight }
        const [simd, plain] = [0, 1].map(() => resizeJob({ ...job, data }, { ...job, window }))
        expect(resizeWithSimd(simd)).toBe(true)
        resizeWithTypeScript(plain)
        expect(simd.planes).toEqual(plain.planes)
      }),
      { numRuns: 300 },
    )
  })

  it('gives the same where the source is copied in several parts', () => {
    for (const [width, height, channels, maxValue] of [
      [1021, 1501, 1, 255],
      [1400, 900, 3, 65535],
    ] as const) {
      const data = pattern(width * height * channels, maxValue)
      const source = { data, width, height, channels, maxValue }
      const [simd, plain] = [0, 1].map(() => resizeJob(source, { outWidth: 33, outHeight: 47 }))
      expect(resizeWithSimd(simd)).toBe(true)
      resizeWithTypeScript(plain)
      expect(simd.planes).toEqual(plain.planes)
    }
  })

  it('leaves to the other kernel what would take too much memory for good', () => {
    const width = 2 ** 24
    const job = resizeJob(
      { data: new Uint8Array(width).fill(255), width, height: 1, channels: 1, maxValue: 255 },
      { outWidth: 2, outHeight: 1 },
    )
    expect(resizeWithSimd(job)).toBe(false)
  })

  it('brings a very wide image down in single precision without losing its level', () => {
    const width = 100_000
    const result = resize(
      { data: new Uint8Array(width).fill(100), width, height: 1, channels: 1, maxValue: 255 },
      { outWidth: 3, outHeight: 1 },
    )
    for (const value of result) expect(value * 255).toBeCloseTo(100, 2)
  })
})
