import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { factsOf, type ImageFacts, type ImageReading } from './image-facts.js'

const fixtures = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url))
const asIs: ImageReading = { window: 'file', bits: null }

type Reference = Pick<ImageFacts, 'low' | 'high' | 'mean' | 'deviation' | 'spread'> & {
  histogram: number[]
  thumbnail: number[]
}

const references = JSON.parse(readFileSync(join(fixtures, 'inspect/facts.json'), 'utf8')) as Record<
  string,
  Reference
>

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-facts-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('factsOf', () => {
  it.each(Object.entries(references))('gives what numpy and torch give for %s', async (name, reference) => {
    const facts = await factsOf(join(fixtures, 'data/images', name), asIs)
    for (const key of ['low', 'high', 'mean', 'deviation', 'spread'] as const) {
      expect(facts[key], key).toBeCloseTo(reference[key], 12)
    }
    const pixels = reference.histogram.reduce((sum, count) => sum + count, 0)
    facts.histogram.forEach((share, bin) => expect(share).toBeCloseTo(reference.histogram[bin] / pixels, 6))
    const furthest = Math.max(
      ...reference.thumbnail.map((value, at) => Math.abs(value - facts.thumbnail[at])),
    )
    // Rounded to whole steps, and torch's weights are rounded otherwise.
    expect(furthest).toBeLessThan(0.51)
  })

  it('says format, size, depth and channels', async () => {
    const facts = await factsOf(join(fixtures, 'data/images/rgb16.png'), asIs)
    expect(facts).toMatchObject({ format: 'PNG', width: 13, height: 9, channels: 3, bits: 16 })
    expect(facts.bytes).toBe(readFileSync(join(fixtures, 'data/images/rgb16.png')).length)
  })

  it('has one digest for the same pixels in any lossless format, another for any other pixel', async () => {
    const raw = Uint8Array.from({ length: 600 }, (_, at) => (at * 37) % 256)
    const image = (pixels: Uint8Array, width = 20) =>
      sharp(pixels, { raw: { width, height: 600 / width, channels: 1 } }).toColourspace('b-w')
    const digestOf = async (name: string, made: Sharp) => {
      await made.toFile(join(folder, name))
      return (await factsOf(join(folder, name), asIs)).digest
    }
    const digest = await digestOf('a.png', image(raw))
    expect(await digestOf('a.tif', image(raw).tiff({ compression: 'lzw' }))).toBe(digest)
    expect(await digestOf('b.png', image(raw, 30))).not.toBe(digest)
    expect(await digestOf('c.png', image(raw.with(599, raw[599] ^ 1)))).not.toBe(digest)
  })

  it('tells grey in three channels from colour', async () => {
    const grey = Uint8Array.from({ length: 300 }, (_, at) => Math.floor(at / 3))
    const save = (name: string, pixels: Uint8Array) =>
      sharp(pixels, { raw: { width: 10, height: 10, channels: 3 } }).toFile(join(folder, name))
    await save('grey.png', grey)
    await save('colour.png', grey.with(299, 0))
    expect((await factsOf(join(folder, 'grey.png'), asIs)).greyInColour).toBe(true)
    expect((await factsOf(join(folder, 'colour.png'), asIs)).greyInColour).toBe(false)
  })

  it('has a thumbnail of nothing for an image of one grey, and what the reader says of it', async () => {
    const file = join(folder, 'flat.png')
    await sharp({ create: { width: 40, height: 30, channels: 3, background: '#404040' } })
      .toColourspace('b-w')
      .toFile(file)
    const facts = await factsOf(file, asIs)
    expect(facts.thumbnail.every((value) => value === 0)).toBe(true)
    expect(facts.spread).toBe(1 / 256)
    expect(facts.warning).toContain('same value')
  })

  it('throws for what cannot be read, naming the file', async () => {
    const file = join(folder, 'text.png')
    await writeFile(file, 'no image at all')
    await expect(factsOf(file, asIs)).rejects.toThrow(file)
    await expect(factsOf(join(folder, 'nowhere.png'), asIs)).rejects.toThrow('no such file')
  })
})
