import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SEVERITIES } from './corruptions/corruption.js'
import { jpeg } from './corruptions/jpeg.js'
import { corruptions } from './corruptions/registry.js'
import { Random } from '../random.js'
import { meanScores, versionsOf, type VariationSpec, type VariedBatch } from './variation.js'
import { viewSets } from './views.js'

/** Made by test/fixtures/variations/make.py. */
const fixture = new URL('../../../test/fixtures/variations/jpeg.json', import.meta.url)
const compressed = JSON.parse(readFileSync(fixture, 'utf8')) as {
  channels: 1 | 3
  size: number
  quality: number
  data: number[]
  expected: number[]
}[]

/** Two samples of one grey image each, the same structure at different brightness. */
function batchOf(size = 112, indices = [0, 1]): VariedBatch {
  const pixels = Float32Array.from({ length: indices.length * size * size }, (_, at) => {
    const [y, x] = [Math.floor(at / size) % size, at % size]
    return 0.5 + 0.35 * Math.sin(x / 3) * Math.cos(y / 4)
  })
  return { pixels, size, channels: 1, indices }
}

async function versions(spec: VariationSpec, batch: VariedBatch): Promise<Float32Array[]> {
  const all: Float32Array[] = []
  for await (const version of versionsOf(spec, batch)) all.push(version)
  return all
}

const distance = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]) ** 2, 0) / a.length)

describe('JPEG', () => {
  it.each(compressed)(
    "is Pillow's: $channels channel(s), quality $quality",
    async ({ channels, size, quality, data, expected }) => {
      const pixels = Float32Array.from(data, (value) => value / 255)
      await jpeg.apply({ pixels, size, channels }, quality, new Random(1))
      const worst = Math.max(...expected.map((value, at) => Math.abs(value - pixels[at] * 255)))
      expect(worst).toBeLessThan(1.001)
    },
  )
})

describe.each(corruptions.map(({ name }) => [name]))('%s', (name) => {
  it('gets worse with every severity, stays in [0, 1] and leaves the batch alone', async () => {
    const batch = batchOf()
    const before = batch.pixels.slice()
    let last = 0
    for (let severity = 1; severity <= SEVERITIES; severity++) {
      const [version, ...others] = await versions({ kind: 'corruption', name, severity }, batch)
      expect(others).toEqual([])
      expect(Math.min(...version)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...version)).toBeLessThanOrEqual(1)
      const now = distance(version, batch.pixels)
      expect(now, `severity ${severity}`).toBeGreaterThan(last)
      last = now
    }
    expect(batch.pixels).toEqual(before)
  })

  it('of a sample does not depend on the batch that it comes in', async () => {
    const spec: VariationSpec = { kind: 'corruption', name, severity: 3 }
    const both = batchOf()
    const [together] = await versions(spec, both)
    const half = both.pixels.length / 2
    const [alone] = await versions(spec, { ...both, pixels: both.pixels.subarray(half), indices: [1] })
    expect(alone).toEqual(together.subarray(half))
  })
})

describe('corruption', () => {
  it('by noise has the deviation that it says', async () => {
    const grey = new Float32Array(128 * 128).fill(0.5)
    const batch = { pixels: grey, size: 128, channels: 1, indices: [7] }
    const [version] = await versions({ kind: 'corruption', name: 'noise', severity: 4 }, batch)
    // 16,384 draws: the deviation of their deviation is 0.06 / sqrt(2 * 16384) = 0.0003.
    expect(Math.abs(distance(version, grey) - 0.06)).toBeLessThan(0.0015)
  })

  it('by contrast pulls to the mean', async () => {
    const pixels = Float32Array.of(0.2, 0.4, 0.6, 0.8)
    const batch = { pixels, size: 2, channels: 1, indices: [0] }
    const [version] = await versions({ kind: 'corruption', name: 'contrast', severity: 4 }, batch)
    ;[0.35, 0.45, 0.55, 0.65].forEach((value, at) => expect(version[at]).toBeCloseTo(value, 6))
  })

  it('that is none is refused', async () => {
    await expect(versions({ kind: 'corruption', name: 'fog', severity: 1 }, batchOf())).rejects.toThrow('fog')
    await expect(versions({ kind: 'corruption', name: 'blur', severity: 6 }, batchOf())).rejects.toThrow('6')
  })
})

describe('views', () => {
  it('mirror, and move by 3 % of the side', async () => {
    const batch = { ...batchOf(4, [0]), pixels: Float32Array.from({ length: 16 }, (_, at) => at / 16) }
    const [mirrored] = await versions({ kind: 'views', names: ['flips'] }, batch)
    expect(Array.from(mirrored.subarray(0, 4), (value) => value * 16)).toEqual([3, 2, 1, 0])
    const shifted = await versions({ kind: 'views', names: ['shifts'] }, batch)
    expect(shifted.map((version) => version[5] * 16)).toEqual([4, 6, 1, 9])
    const [one] = await versions({ kind: 'views', names: ['shifts'] }, batchOf(100, [0]))
    expect(one.subarray(3, 100)).toEqual(batchOf(100, [0]).pixels.subarray(0, 97))
  })

  it('of several sets are all of them, on pixels of several planes', async () => {
    const names = viewSets.map(({ name }) => name)
    const all = await versions({ kind: 'views', names }, batchOf())
    expect(all).toHaveLength(1 + 4 + 2 + 2)
    for (const version of all) {
      expect(version).toHaveLength(2 * 112 * 112)
      expect(version.subarray(0, 112 * 112)).toEqual(version.subarray(112 * 112))
    }
    await expect(versions({ kind: 'views', names: ['spins'] }, batchOf())).rejects.toThrow('spins')
  })
})

describe('meanScores', () => {
  it('is the mean, score by score', () => {
    expect([...meanScores([Float64Array.of(0.2, 0.6), Float64Array.of(0.4, 0.8)])]).toEqual([
      expect.closeTo(0.3, 12),
      expect.closeTo(0.7, 12),
    ])
  })
})
