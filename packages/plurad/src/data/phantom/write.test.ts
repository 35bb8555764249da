import { mkdtemp, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { csvParse, csvParseRows } from 'd3-dsv'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DataError } from '../../errors.js'
import { findings, generatePhantoms, renderPhantom, samplePhantoms } from './index.js'

const options = { count: 40, size: 48, seed: 5 }
let root: string
let folder: string
const calls: [number, number][] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'phantoms-'))
  folder = join(root, 'new', 'set')
  const made = await generatePhantoms(folder, {
    ...options,
    onProgress: (done, total) => calls.push([done, total]),
  })
  const patients = new Set(samplePhantoms(5, 40).map((image) => image.patient)).size
  expect(made).toEqual({ images: 40, patients })
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('the table has a row a file and reads as CSV', async () => {
  const text = await readFile(join(folder, 'Data_Entry_2017.csv'), 'utf8')
  const rows = csvParse(text)
  expect(rows.map((row) => row['Image Index']).sort()).toEqual((await readdir(join(folder, 'images'))).sort())
  expect(rows[0]['Image Index']).toBe('00000001_000.png')
  // NIH's header splits `[Width,Height]` and `[x,y]` at their commas, to the 11 columns that the rows have.
  for (const row of csvParseRows(text).filter((row) => row.length > 1)) expect(row).toHaveLength(11)
  const names = new Set<string>(findings.map((finding) => finding.name))
  for (const row of rows) {
    const labels = row['Finding Labels'].split('|')
    if (labels[0] !== 'No Finding') for (const label of labels) expect(names).toContain(label)
    expect(Number(row['Patient ID'])).toBe(Number(row['Image Index'].slice(0, 8)))
    expect(row['Patient Gender']).toMatch(/^[FM]$/)
    expect(row['View Position']).toMatch(/^(PA|AP)$/)
  }
})

test('boxes lie in the image and belong to a label of their row', async () => {
  const labels = new Map(
    csvParse(await readFile(join(folder, 'Data_Entry_2017.csv'), 'utf8')).map((row) => [
      row['Image Index'],
      row['Finding Labels'],
    ]),
  )
  const [header, ...rows] = csvParseRows(await readFile(join(folder, 'BBox_List_2017.csv'), 'utf8'))
  expect(header.join(',')).toBe('Image Index,Finding Label,Bbox [x,y,w,h],,,')
  expect(rows.length).toBeGreaterThan(20)
  for (const [image, finding, ...box] of rows) {
    expect(labels.get(image)?.split('|')).toContain(finding)
    const [x, y, width, height] = box.map(Number) as [number, number, number, number]
    expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(1)
    expect(Math.max(x + width, y + height)).toBeLessThanOrEqual(options.size)
  }
})

test('files are 8-bit grey PNGs of the rendered pixels', async () => {
  const file = join(folder, 'images', '00000001_000.png')
  const metadata = await sharp(file).metadata()
  expect([metadata.format, metadata.width, metadata.height, metadata.channels, metadata.depth]).toEqual([
    'png',
    48,
    48,
    1,
    'uchar',
  ])
  const { data } = await sharp(file).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
  expect(new Uint8Array(data)).toEqual(renderPhantom(samplePhantoms(5, 1)[0], 48).pixels)
})

test('progress counts to the end, and nothing temporary is left', async () => {
  expect(calls.map(([done]) => done)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
  expect(calls.every(([, total]) => total === 40)).toBe(true)
  expect(await readdir(join(root, 'new'))).toEqual(['set'])
})

test('the read-me says what the images are', async () => {
  const text = await readFile(join(folder, 'README.md'), 'utf8')
  for (const expected of [
    'Synthetic',
    '| Seed | 5 |',
    '| Images | 40 |',
    'pixels of these images',
    'Plurad phantoms, version',
  ]) {
    expect(text).toContain(expected)
  }
})

test('the same options reuse the folder, an empty one is filled, anything else is refused', async () => {
  const before = await stat(join(folder, 'images', '00000001_000.png'))
  await generatePhantoms(folder, options)
  expect((await stat(join(folder, 'images', '00000001_000.png'))).mtimeMs).toBe(before.mtimeMs)
  await expect(generatePhantoms(folder, { ...options, seed: 6 })).rejects.toThrow(DataError)

  const empty = join(root, 'empty')
  await mkdir(empty)
  expect((await generatePhantoms(empty, { ...options, count: 2 })).images).toBe(2)
  await rm(join(empty, 'images', '00000001_000.png'))
  await expect(generatePhantoms(empty, { ...options, count: 2 })).rejects.toThrow(/lacks 1 of its 2 images/)

  const foreign = join(root, 'foreign')
  await mkdir(foreign)
  await writeFile(join(foreign, 'thesis.txt'), 'precious')
  await expect(generatePhantoms(foreign, options)).rejects.toThrow(/thesis\.txt/)
  expect(await readdir(foreign)).toEqual(['thesis.txt'])
  await expect(generatePhantoms(join(foreign, 'thesis.txt'), options)).rejects.toThrow(DataError)
})

test('two that write the same folder at once both succeed', async () => {
  const shared = join(root, 'shared')
  const small = { ...options, count: 4 }
  const results = await Promise.all([generatePhantoms(shared, small), generatePhantoms(shared, small)])
  expect(results[0]).toEqual(results[1])
  expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([])
})

test.each([
  [{ ...options, count: 0 }, /count is 0/],
  [{ ...options, size: 8 }, /size is 8/],
  [{ ...options, seed: 1.5 }, /seed is 1.5/],
])('options out of range are refused', async (bad, message) => {
  await expect(generatePhantoms(join(root, 'bad'), bad)).rejects.toThrow(message)
})
