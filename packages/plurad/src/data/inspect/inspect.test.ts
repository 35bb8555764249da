import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Dataset } from '../dataset.js'
import { generatePhantoms } from '../phantom/index.js'
import { openDataset } from '../sets/open.js'
import { evenly } from './evenly.js'
import { warningKind } from './image-summary.js'
import { inspectDataset } from './inspect.js'

/** Threads start from compiled files only. */
const built = new URL('../../../dist/data/inspect/inspect.js', import.meta.url)

let folder: string
let dataset: Dataset
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-inspect-'))
  await generatePhantoms(join(folder, 'phantoms'), { count: 60, size: 48, seed: 2 })
  dataset = await openDataset(join(folder, 'phantoms'), { labels: ['Effusion', 'Infiltration'] })
})
afterAll(() => rm(folder, { recursive: true }))

describe('inspectDataset', () => {
  it('summarises the images, all or evenly drawn', async () => {
    const all = await inspectDataset(dataset, { sample: null })
    expect(all.images).toMatchObject({
      ...{ examined: 60, of: 60, failed: 0, shortest: 48, longest: 48, grey_in_colour: 0 },
      formats: [{ value: 'PNG', images: 60 }],
      sizes: [{ value: '48 x 48', images: 60 }],
      kinds: [{ value: '8-bit grey', images: 60 }],
    })
    expect(all.images?.histogram.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5)
    expect(all.contact).toBeNull()
    expect((await inspectDataset(dataset, { sample: 7 })).images).toMatchObject({ examined: 7, of: 60 })
    expect((await inspectDataset(dataset, { sample: 0 })).images).toBeNull()
  })

  it('counts what cannot be read and what differs', async () => {
    const broken = join(folder, 'broken.png')
    await writeFile(broken, 'nothing')
    const colour = join(folder, 'colour.jpg')
    await sharp({ create: { width: 30, height: 20, channels: 3, background: '#404040' } }).toFile(colour)
    const [first, second, ...others] = dataset.samples
    const samples = [{ ...first, path: broken }, { ...second, path: colour }, ...others]
    const { images } = await inspectDataset({ ...dataset, samples }, { sample: null })
    expect(images).toMatchObject({ examined: 60, failed: 1, shortest: 20, longest: 48 })
    expect(images?.failures[0]).toContain(broken)
    expect(images?.formats).toEqual([
      { value: 'PNG', images: 58 },
      { value: 'JPEG', images: 1 },
    ])
    expect(images?.kinds[1]).toEqual({ value: '8-bit colour', images: 1 })
    expect(images?.grey_in_colour).toBe(1)
    expect(images?.warnings[0].images).toBe(1)
  })

  it('shows some images of each label, of different patients, as bare JPEGs', async () => {
    const { contact } = await inspectDataset(dataset, { sample: 0, contact: 4 })
    expect(contact?.map(({ label }) => label).sort()).toEqual(['Effusion', 'Infiltration', null])
    for (const { label, positives, images } of contact ?? []) {
      expect(images.length).toBe(Math.min(4, positives))
      expect(new Set(images.map(({ patient }) => patient)).size).toBe(images.length)
      for (const { image, others, picture } of images) {
        const row = dataset.samples.find((sample) => sample.image === image)
        const having = dataset.labels.filter((_, index) => row?.labels[index] === 1)
        expect(having.sort()).toEqual([...others, ...(label === null ? [] : [label])].sort())
        const { format, exif, icc, xmp, width } = await sharp(picture).metadata()
        expect({ format, exif, icc, xmp, width }).toMatchObject({ format: 'jpeg', width: 48 })
        expect([exif, icc, xmp]).toEqual([undefined, undefined, undefined])
      }
    }
  })

  it.skipIf(!existsSync(built))('says the same with any number of threads', async () => {
    const threaded = (await import(built.href)) as { inspectDataset: typeof inspectDataset }
    const options = { sample: null, contact: 3 }
    expect(await threaded.inspectDataset(dataset, { ...options, workers: 2 })).toEqual(
      await inspectDataset(dataset, options),
    )
  })
})

describe('evenly', () => {
  it('draws without repeats from the whole length', () => {
    expect(evenly(10, 4)).toEqual([0, 2, 5, 7])
    expect(evenly(3, 9)).toEqual([0, 1, 2])
    expect(evenly(0, 9)).toEqual([])
  })
})

describe('warningKind', () => {
  it('leaves out what differs from file to file', () => {
    expect(warningKind('59 % of its pixels are outside of the window')).toBe(
      '… % of its pixels are outside of the window',
    )
    expect(warningKind('its largest value is 4095 of 65535: it looks like 12-bit values')).toBe(
      'its largest value is … of 65535: it looks like 12-bit values',
    )
  })
})
