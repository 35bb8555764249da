import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resizeBilinear } from './resize.js'

interface Case {
  width: number
  height: number
  channels: number
  maxValue: number
  outWidth: number
  outHeight: number
  data: number[]
  /** What torch.nn.functional.interpolate gives, [channels, outHeight, outWidth], to six decimals. */
  expected: number[]
}

/** Made by test/fixtures/data/make_resize.py. */
const fixture = new URL('../../test/fixtures/data/resize.json', import.meta.url)
const { kernel } = JSON.parse(readFileSync(fixture, 'utf8')) as { kernel: Case[] }

const pixels = (data: number[], maxValue: number) =>
  maxValue === 255 ? Uint8Array.from(data) : Uint16Array.from(data)

describe('resizeBilinear', () => {
  it.each(kernel)('equals torch: $width x $height x $channels to $outWidth x $outHeight', (fixed) => {
    const { data, width, height, channels, maxValue, outWidth, outHeight, expected } = fixed
    const integers = pixels(data, maxValue)
    const floats = Float32Array.from(data, (value) => value / maxValue)
    const result = resizeBilinear(integers, width, height, channels, maxValue, outWidth, outHeight)
    const fromFloats = resizeBilinear(floats, width, height, channels, 1, outWidth, outHeight)
    expect(result).toHaveLength(expected.length)
    expected.forEach((value, at) => {
      expect(Math.abs(result[at] - value)).toBeLessThan(2e-6)
      expect(Math.abs(fromFloats[at] - value)).toBeLessThan(2e-6)
    })
  })

  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 40 }),
    channels: fc.constantFrom(1, 3),
    outWidth: fc.integer({ min: 1, max: 40 }),
    outHeight: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(),
  })

  it('keeps an even picture even, and never leaves the range of its input', () => {
    fc.assert(
      fc.property(sizes, ({ width, height, channels, outWidth, outHeight, seed }) => {
        const even = new Uint8Array(width * height * channels).fill(200)
        const same = resizeBilinear(even, width, height, channels, 255, outWidth, outHeight)
        expect(Math.max(...same)).toBeCloseTo(200 / 255, 6)
        expect(Math.min(...same)).toBeCloseTo(200 / 255, 6)
        const mixed = even.map((_, at) => (at * 2654435761 + seed) % 256)
        const within = resizeBilinear(mixed, width, height, channels, 255, outWidth, outHeight)
        expect(Math.min(...within)).toBeGreaterThanOrEqual(0)
        expect(Math.max(...within)).toBeLessThanOrEqual(1 + 1e-6)
      }),
    )
  })

  it('computes a window as the same part of the whole', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.nat(),
        fc.nat(),
        ({ width, height, channels, outWidth, outHeight, seed }, a, b) => {
          const data = new Uint8Array(width * height * channels).map((_, at) => (at * 40503 + seed) % 256)
          const left = a % outWidth
          const top = b % outHeight
          const window = { left, top, width: outWidth - left, height: Math.max(1, (outHeight - top) >> 1) }
          const whole = resizeBilinear(data, width, height, channels, 255, outWidth, outHeight)
          const part = resizeBilinear(data, width, height, channels, 255, outWidth, outHeight, window)
          let at = 0
          for (let channel = 0; channel < channels; channel++) {
            for (let row = 0; row < window.height; row++) {
              const from = (channel * outHeight + top + row) * outWidth + left
              expect(part.subarray(at, at + window.width)).toEqual(whole.subarray(from, from + window.width))
              at += window.width
            }
          }
        },
      ),
    )
  })
})
