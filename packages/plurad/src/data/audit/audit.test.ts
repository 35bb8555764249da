import { existsSync } from 'node:fs'
import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Dataset, LabelValue, Sample, Split } from '../dataset.js'
import { generatePhantoms } from '../phantom/index.js'
import { openDataset } from '../sets/open.js'
import { splitDataset } from '../split.js'
import { auditDataset, type Audit, type AuditOptions } from './audit.js'

/** Threads start from compiled files only. */
const built = new URL('../../../dist/data/audit/audit.js', import.meta.url)

const labels = ['Effusion', 'Infiltration']

let folder: string
let phantoms: string
/** 72 phantoms, divided by patient, without a fault. */
let sound: Dataset
/** Where a test puts files of its own. */
let own: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-audit-'))
  phantoms = join(folder, 'phantoms')
  await generatePhantoms(phantoms, { count: 72, size: 64, seed: 5 })
  const opened = await openDataset(phantoms, { labels })
  const assignment = splitDataset(opened, { seed: 1 })
  sound = { ...opened, samples: opened.samples.map((sample, row) => ({ ...sample, split: assignment[row] })) }
})
beforeEach(async () => {
  own = await mkdtemp(join(folder, 'own-'))
})
afterEach(() => rm(own, { recursive: true }))
afterAll(() => rm(folder, { recursive: true }))

const audit = (dataset: Dataset, options: Partial<AuditOptions> = {}): Promise<Audit> =>
  auditDataset(dataset, { location: phantoms, ...options })

const outline = ({ findings }: Audit) =>
  findings.map(({ check, severity, count }) => [severity, check, count])

const inSplit = (split: Split): Sample[] => sound.samples.filter((sample) => sample.split === split)

/** A row of `split` whose patient has other rows too. */
const oneOfSeveral = (split: Split): Sample => {
  const rows = inSplit(split)
  const found = rows.find((row) => rows.some((other) => other !== row && other.patient === row.patient))
  if (found === undefined) throw new Error(`no patient of ${split} has several rows`)
  return found
}

const changed = (row: Sample, change: Partial<Sample>): Dataset => ({
  ...sound,
  samples: sound.samples.map((sample) => (sample === row ? { ...sample, ...change } : sample)),
})

const withMore = (...samples: Sample[]): Dataset => ({ ...sound, samples: [...sound.samples, ...samples] })

/** Another row with a copy of the same file. */
async function copied(row: Sample, change: Partial<Sample> = {}): Promise<Sample> {
  const image = `copy-of-${basename(row.image)}`
  await copyFile(row.path, join(own, image))
  return { ...row, image, path: join(own, image), ...change }
}

/** The same row with another file in its place. */
async function replaced(row: Sample, edit: (image: Sharp) => Sharp): Promise<Dataset> {
  const path = join(own, basename(row.image))
  await edit(sharp(row.path)).toColourspace('b-w').png().toFile(path)
  return changed(row, { path })
}

describe('a sound data set', () => {
  it('has no finding', async () => {
    const found = await audit(sound)
    expect(outline(found)).toEqual([])
    expect(found.passed.length).toBeGreaterThan(15)
    expect(found.notChecked).toEqual([])
    expect(found).toMatchObject({ rows: 72, images: 72, labels: 2 })
  })

  it('has none without a split either, and it is said what could not be checked', async () => {
    const found = await audit({
      ...sound,
      samples: sound.samples.map((sample) => ({ ...sample, split: undefined })),
    })
    expect(outline(found)).toEqual([])
    expect(found.notChecked.map(({ check }) => check)).toEqual(['splits'])
  })
})

describe('patients', () => {
  it('in two splits are an error', async () => {
    const row = oneOfSeveral('train')
    const found = await audit(changed(row, { split: 'test' }))
    expect(outline(found)).toEqual([['error', 'patients-in-several-splits', 1]])
    expect(found.findings[0].items[0]).toMatch(/^one patient: \S+ \((train|test)\), \S+ \((train|test)\)$/)
    expect(found.findings[0].images).toContain(row.image)
  })

  it('are named only when that is wanted', async () => {
    const row = oneOfSeveral('train')
    const dataset = changed({ ...row }, {})
    dataset.samples = sound.samples.map((sample) => ({
      ...sample,
      patient: `secret-${sample.patient}`,
      split: sample === row ? 'test' : sample.split,
    }))
    expect(JSON.stringify(await audit(dataset))).not.toContain('secret')
    expect(JSON.stringify(await audit(dataset, { withIds: true }))).toContain(`secret-${row.patient}`)
  })

  it('are known by file names where the table names none', async () => {
    const row = oneOfSeveral('train')
    const anonymous = (dataset: Dataset): Dataset => ({
      ...dataset,
      samples: dataset.samples.map((sample) => ({ ...sample, patient: null })),
    })
    expect(outline(await audit(anonymous(sound)))).toEqual([['note', 'rows-without-patient', 72]])
    expect(outline(await audit(anonymous(changed(row, { split: 'test' }))))).toEqual([
      ['error', 'patients-in-several-splits', 1],
      ['note', 'rows-without-patient', 72],
    ])
  })

  it('in two parts of a split given beside the data set are an error', async () => {
    const row = oneOfSeveral('train')
    const assignment = sound.samples.map((sample) => (sample === row ? 'val' : (sample.split ?? 'train')))
    expect(outline(await audit(sound, { assignment }))).toEqual([['error', 'patients-in-several-splits', 1]])
  })
})

describe('labels', () => {
  const relabelled = (value: (sample: Sample) => LabelValue): Dataset => ({
    ...sound,
    samples: sound.samples.map((sample) => ({
      ...sample,
      labels: [value(sample), sample.labels[1] ?? null],
    })),
  })

  it.each([
    [0, 'absent'],
    [1, 'always present'],
    [null, 'unknown'],
  ] as const)('that are all %s are useless', async (value, why) => {
    const found = await audit(relabelled(() => value))
    expect(outline(found)).toEqual([['warning', 'one-class-labels', 1]])
    expect(found.findings[0].items).toEqual([`Effusion: ${why} in all rows`])
  })

  it('of one class in a split are told with the split', async () => {
    const found = await audit(relabelled(({ split, labels: [value] }) => (split === 'train' ? value : 0)))
    expect(outline(found)).toEqual([['warning', 'one-class-in-split', 1]])
    expect(found.findings[0].items).toEqual(['Effusion: absent in val, test'])
  })
})

describe('rows and files', () => {
  it('without each other are told', async () => {
    const [row] = sound.samples
    const without = { ...sound, samples: sound.samples.slice(1) }
    expect(outline(await audit(without))).toEqual([['note', 'files-without-row', 1]])
    const skipped = [{ image: row.image, reason: `no such file (${phantoms}/Data_Entry_2017.csv, row 2)` }]
    const found = await audit({ ...sound, skipped })
    expect(outline(found)).toEqual([['warning', 'rows-without-file', 1]])
    expect(found.findings[0].items).toEqual([`${row.image}: no such file (Data_Entry_2017.csv, row 2)`])
  })

  it('have ages that a patient can have', async () => {
    const copy = join(own, 'phantoms')
    await cp(phantoms, copy, { recursive: true })
    const table = join(copy, 'Data_Entry_2017.csv')
    const lines = (await readFile(table, 'utf8')).split('\n')
    const cells = lines[4].split(',')
    lines[4] = [...cells.slice(0, 4), '414', ...cells.slice(5)].join(',')
    await writeFile(table, lines.join('\n'))
    const found = await audit(await openDataset(copy, { labels }), { location: copy })
    expect(outline(found)).toEqual([['note', 'impossible-ages', 1]])
    expect(found.findings[0].items).toEqual(['Data_Entry_2017.csv, row 5: 414'])
  })

  it('that are damaged are a warning, and an error where they are many', async () => {
    const cut = async (rows: readonly Sample[]): Promise<Dataset> => {
      const samples = [...sound.samples]
      for (const row of rows) {
        const path = join(own, basename(row.image))
        await writeFile(path, (await readFile(row.path)).subarray(0, 300))
        samples[samples.indexOf(row)] = { ...row, path }
      }
      return { ...sound, samples }
    }
    const found = await audit(await cut(sound.samples.slice(0, 1)))
    expect(outline(found)).toEqual([['warning', 'damaged-files', 1]])
    expect(found.findings[0].items[0]).toMatch(/^\d{8}_\d{3}\.png \(\w+\): damaged or cut-off PNG/)
    expect(outline(await audit(await cut(sound.samples.slice(0, 10))))[0]).toEqual([
      'error',
      'damaged-files',
      10,
    ])
  })

  it('are all looked at where a row has several', async () => {
    const [left, right] = inSplit('train')
    const both = withMore(await copied(left, { also: [(await copied(right)).path, ''], split: 'test' }))
    const found = await audit(both)
    expect(found).toMatchObject({ rows: 73, images: 74 })
    expect(outline(found)).toContainEqual(['error', 'copies-across-splits', 4])
  })
})

describe('copies', () => {
  it('in two splits are an error', async () => {
    const [row] = inSplit('train')
    const [other] = inSplit('test')
    const found = await audit(withMore(await copied(row, { patient: other.patient, split: 'test' })))
    expect(outline(found)).toEqual([['error', 'copies-across-splits', 2]])
    expect(found.findings[0].items).toEqual([`${row.image} (train) = copy-of-${row.image} (test)`])
  })

  it('under two patients of one split are a warning, of one patient a note', async () => {
    const [row] = inSplit('train')
    const another = inSplit('train').find(({ patient }) => patient !== row.patient)
    const copy = await copied(row)
    expect(outline(await audit(withMore({ ...copy, patient: another?.patient ?? null })))).toEqual([
      ['warning', 'copies-across-patients', 2],
    ])
    expect(outline(await audit(withMore(copy)))).toEqual([['note', 'copies-of-one-patient', 2]])
  })

  it('with other labels contradict each other, unless they are unknown', async () => {
    const [row] = inSplit('train')
    const copy = await copied(row)
    const other = row.labels.map((value): LabelValue => (value === 1 ? 0 : 1))
    const found = await audit(withMore({ ...copy, labels: other }))
    expect(outline(found)).toEqual([
      ['warning', 'contradicting-copies', 1],
      ['note', 'copies-of-one-patient', 2],
    ])
    expect(found.findings[0].items[0]).toMatch(/: Effusion, Infiltration$/)
    expect(outline(await audit(withMore({ ...copy, labels: [null, null] })))).toEqual([
      ['note', 'copies-of-one-patient', 2],
    ])
  })

  const edits: Record<string, (image: Sharp) => Sharp> = {
    compressed: (image) => image.jpeg({ quality: 75 }),
    'of another size': (image) => image.resize(96, 96).png(),
    brighter: (image) => image.linear(1.08, 2).png(),
    'of more contrast': (image) => image.gamma(1.4).png(),
  }

  it.each(Object.entries(edits))('that were %s are found as near copies', async (name, edit) => {
    const [row] = inSplit('train')
    const [other] = inSplit('test')
    const path = join(own, `${name}.png`)
    await writeFile(path, await edit(sharp(row.path)).toBuffer())
    const copy = { ...row, image: `${name}.png`, path, patient: other.patient }
    expect(outline(await audit(withMore({ ...copy, split: 'test' })))).toEqual([
      ['warning', 'near-copies-across-splits', 2],
    ])
    expect(outline(await audit(withMore(copy)))).toContainEqual(['warning', 'near-copies-across-patients', 2])
  })
})

describe('images', () => {
  it('that are empty, or nearly, are found', async () => {
    const [row] = sound.samples
    const noise = (image: Sharp) => image.linear(0.005, 100)
    expect(outline(await audit(await replaced(row, noise)))).toEqual([['warning', 'empty-images', 1]])
  })

  it('that are inverted are found', async () => {
    const [, row] = sound.samples
    const found = await audit(await replaced(row, (image) => image.negate()))
    expect(outline(found)).toEqual([['warning', 'inverted-images', 1]])
    expect(found.findings[0].images).toEqual([row.image])
  })

  it.each([
    [90, 'a quarter turn clockwise'],
    [180, 'upside down'],
    [270, 'a quarter turn anticlockwise'],
  ])('that are turned by %i degrees are found', async (angle, words) => {
    const [, , row] = sound.samples
    const found = await audit(await replaced(row, (image) => image.rotate(angle)))
    expect(outline(found)).toEqual([['warning', 'turned-images', 1]])
    expect(found.findings[0].items[0]).toBe(`${row.image} (${row.split}): ${words}`)
  })

  it('of which the reader warns are gathered by what it says', async () => {
    const [row] = sound.samples
    const { data, info } = await sharp(row.path).raw().toBuffer({ resolveWithObject: true })
    const deep = Uint16Array.from(
      { length: info.width * info.height },
      (_, at) => data[at * info.channels] * 16,
    )
    const path = join(own, basename(row.image))
    await sharp(deep, { raw: { width: info.width, height: info.height, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toFile(path)
    const found = await audit(changed(row, { path }))
    expect(outline(found)).toEqual([['warning', 'reader-warnings', 1]])
    expect(found.findings[0].items[0]).toContain('12-bit values in a 16-bit file')
    expect(outline(await audit(changed(row, { path }), { bits: 12 }))).toEqual([])
  })
})

describe('a larger data set', () => {
  it('is searched by hash, and audited alike by any number of threads', { timeout: 60_000 }, async () => {
    const many = join(own, 'many')
    await generatePhantoms(many, { count: 300, size: 64, seed: 6 })
    const dataset = await openDataset(many, { labels })
    const chosen = dataset.samples.filter((_, row) => row % 15 === 0)
    const copies = await Promise.all(
      chosen.map(async (row, at) => {
        const path = join(own, `${at}.jpg`)
        await sharp(row.path).jpeg({ quality: 80 }).toFile(path)
        return { ...row, image: `${at}.jpg`, path, patient: `other ${at}` }
      }),
    )
    const doubled = { ...dataset, samples: [...dataset.samples, ...copies] }
    const found = await audit(doubled, { location: many })
    expect(outline(found)).toEqual([['warning', 'near-copies-across-patients', 40]])
    expect(found.findings[0].items).toEqual(chosen.map(({ image }, at) => `${image} = ${at}.jpg`))
    if (!existsSync(built)) return
    const threaded = (await import(built.href)) as { auditDataset: typeof auditDataset }
    expect(await threaded.auditDataset(doubled, { location: many, workers: 3 })).toEqual(found)
  })
})
