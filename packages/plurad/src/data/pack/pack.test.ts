import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sample } from '../dataset.js'
import { ImageLoader, type Batch, type LoaderOptions } from '../loader.js'
import { preprocessingWith } from '../preprocessing.js'
import { keyOf } from './format.js'
import { PackIndex } from './pack-index.js'
import { packDataset, type PackOptions, type PackSummary } from './pack.js'
import { verifyPack } from './verify.js'

/** Threads start from compiled files only. */
const builtLoader = new URL('../../../dist/data/loader.js', import.meta.url)
const builtPack = new URL('../../../dist/data/pack/pack.js', import.meta.url)
const isBuilt = existsSync(builtPack)
const threaded = isBuilt
  ? {
      ...((await import(builtLoader.href)) as { ImageLoader: typeof ImageLoader }),
      ...((await import(builtPack.href)) as { packDataset: typeof packDataset }),
    }
  : { ImageLoader, packDataset }

const SIZE = 32
const RECORD = SIZE * SIZE * 2
const preprocessing = preprocessingWith({ size: SIZE })
const BAD = [4, 11, 17]

let folder: string
let original: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-pack-'))
  original = join(folder, 'original')
  mkdirSync(join(original, 'images'), { recursive: true })
  for (let index = 0; index < 30; index++) {
    const [width, height] = [10 + index, 40 - index]
    const raw = Uint8Array.from({ length: width * height }, (_, at) => (at * (index + 3)) % 251)
    await sharp(raw, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .toFile(pathIn(original, index))
  }
  truncateSync(pathIn(original, 4), 120)
  rmSync(pathIn(original, 11))
  copyFileSync(fileURLToPath(import.meta.url), pathIn(original, 17))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function pathIn(data: string, index: number): string {
  return join(data, 'images', `${index}.${index % 3 === 0 ? 'jpg' : 'png'}`)
}

let count = 0
/** A copy of the data set, to be changed. Times are kept, as a move keeps them. */
function copy(): { data: string; out: string } {
  const data = join(folder, `data-${++count}`)
  cpSync(original, data, { recursive: true, preserveTimestamps: true })
  return { data, out: join(folder, `pack-${count}`) }
}

const samplesOf = (data: string): Sample[] =>
  Array.from({ length: 30 }, (_, index) => ({
    image: String(index),
    path: pathIn(data, index),
    patient: null,
    labels: [],
    metadata: { age: null, sex: null, view: null },
  }))

function pack(
  data: string,
  out: string,
  options: Partial<PackOptions> = {},
  make = packDataset,
): Promise<PackSummary> {
  const dataset = { name: 'test', fingerprint: 'f', samples: samplesOf(data) }
  return make(dataset, { out, preprocessing, root: data, workers: 0, ...options })
}

async function read(
  data: string,
  out: string | null,
  options: Partial<LoaderOptions> = {},
  Loader = ImageLoader,
  samples = samplesOf(data),
): Promise<{ batches: Batch[]; refused: Record<string, string> }> {
  const source = out === null ? null : { folder: out, root: data }
  const loader = new Loader({
    ...preprocessing,
    ...{ workers: 0, cacheBytes: 0, strict: false, pack: source },
    ...options,
  })
  try {
    const paths = samples.map(({ path }) => path)
    const batches: Batch[] = []
    for await (const batch of loader.batches(paths, [...paths.keys()], 7)) batches.push(batch)
    return {
      batches,
      refused: Object.fromEntries([...loader.refused].map(([path, why]) => [keyOf(data, path), why])),
    }
  } finally {
    await loader.close()
  }
}

describe.each([
  ['in the calling thread', ImageLoader, packDataset, 0, false],
  [
    `in two threads${isBuilt ? '' : ' (not compiled: npm run build)'}`,
    threaded.ImageLoader,
    threaded.packDataset,
    2,
    !isBuilt,
  ],
])('a pack, made and read %s', (_, Loader, make, workers, skip) => {
  it.skipIf(skip)(
    'gives the bits and the failures that decoding gives, without the files being read',
    async () => {
      const { data, out } = copy()
      const decoded = await read(data, null)
      const summary = await pack(data, out, { workers }, make)
      expect(summary).toMatchObject({ files: 30, packed: 27, kept: 0, renewed: 0, complete: true })
      expect(summary.bytes).toBe(27 * RECORD)
      expect(statSync(join(out, 'pixels.u16')).size).toBe(27 * RECORD)
      expect(summary.failed.map(({ image }) => image)).toEqual(BAD.map((index) => pathIn(data, index)))
      // Rubbish of the same length and time: whoever reads it does not get these pixels.
      for (const { path } of samplesOf(data)) {
        if (!existsSync(path)) continue
        const { size, atime, mtime } = statSync(path)
        writeFileSync(path, Buffer.alloc(size))
        utimesSync(path, atime, mtime)
      }
      expect(await read(data, out, { workers }, Loader)).toEqual({ ...decoded, refused: {} })
      expect(await read(data, out, { workers, cacheBytes: 1e6 }, Loader)).toEqual({ ...decoded, refused: {} })
    },
  )
})

describe('bringing a pack up to date', () => {
  it('decodes what is new, changed or failed before, and nothing else', async () => {
    const { data, out } = copy()
    await pack(data, out)
    expect(await pack(data, out)).toMatchObject({ packed: 0, kept: 27, renewed: 0 })
    copyFileSync(pathIn(data, 1), pathIn(data, 2))
    copyFileSync(pathIn(data, 1), pathIn(data, 11))
    const before = await read(data, null)
    // Two have changed since: decoded, not taken from the pack.
    expect(await read(data, out)).toEqual({
      ...before,
      refused: { 'images/2.png': 'changed', 'images/11.png': 'changed' },
    })
    expect(await pack(data, out)).toMatchObject({ packed: 2, kept: 26, renewed: 1 })
    expect(await read(data, out)).toEqual({ ...before, refused: {} })
    // The record of the old state was used again.
    expect(statSync(join(out, 'pixels.u16')).size).toBe(28 * RECORD)
  })

  it('finds everything again after data set and pack have moved', async () => {
    const { data, out } = copy()
    await pack(data, out)
    const decoded = await read(data, null)
    renameSync(data, `${data}-moved`)
    renameSync(out, `${out}-moved`)
    const moved = await read(`${data}-moved`, `${out}-moved`)
    expect(moved.refused).toEqual({})
    expect(moved.batches.map(({ pixels }) => pixels)).toEqual(decoded.batches.map(({ pixels }) => pixels))
  })

  it('refuses a pack with other preprocessing, naming it', async () => {
    const { data, out } = copy()
    await pack(data, out)
    const other = preprocessingWith({ size: SIZE, resize: 'stretch', window: { center: 40, width: 400 } })
    const named = /resize is "crop", expected "stretch"; window is "file", expected {"center":40,"width":400}/
    await expect(pack(data, out, { preprocessing: other })).rejects.toThrow(named)
    await expect(read(data, out, other)).rejects.toThrow(named)
    // How many images a sample has is no matter of a single image's pixels.
    expect((await read(data, out, { images: 2 })).refused).toEqual({})
  })

  it('refuses a pack of another version, and makes it anew', async () => {
    const { data, out } = copy()
    await pack(data, out)
    const header = join(out, 'pack.json')
    writeFileSync(header, readFileSync(header, 'utf8').replace(/"plurad": ".*"/, '"plurad": "0.0.1"'))
    await expect(read(data, out)).rejects.toThrow(/packed by plurad 0\.0\.1.*plurad data pack/)
    expect(await pack(data, out)).toMatchObject({ packed: 27, kept: 0 })
    expect((await read(data, out)).refused).toEqual({})
  })

  it('refuses folders of something else, no pack at all, and a pack that is being written', async () => {
    const { data, out } = copy()
    await expect(pack(data, data)).rejects.toThrow(/holds no pack \(it has images\)/)
    await expect(read(data, out)).rejects.toThrow(/holds no pack/)
    await pack(data, out)
    writeFileSync(join(out, 'pack.lock'), '1 some-other-host x\n')
    await expect(pack(data, out)).rejects.toThrow(
      /being written to by another process \(1 on some-other-host\)/,
    )
    rmSync(join(out, 'pixels.u16'))
    await expect(read(data, out)).rejects.toThrow(/pixels\.u16 is missing/)
  })
})

describe('files that hold several images', () => {
  /** Three images of 40 x 40 in one array file. */
  function arrayFile(file: string, seed: number): void {
    const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 40, 40), }".padEnd(117) + '\n'
    const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0])
    const values = Uint8Array.from({ length: 4800 }, (_, at) => (at * seed) % 253)
    writeFileSync(file, Buffer.concat([magic, Buffer.from(header), values]))
  }

  it('are packed image by image, and all change with the file', async () => {
    const { data, out } = copy()
    const file = join(data, 'array.npy')
    arrayFile(file, 7)
    const samples = [0, 1, 2].map((part) => ({ ...samplesOf(data)[0], path: `${file}#${part}` }))
    const options = { out, preprocessing, root: data, workers: 0 }
    const packArray = () => packDataset({ name: 'array', fingerprint: 'f', samples }, options)
    expect(await packArray()).toMatchObject({ packed: 3, failed: [] })
    const decoded = await read(data, null, {}, ImageLoader, samples)
    expect(decoded.batches[0]?.indices).toHaveLength(3)
    expect(await read(data, out, {}, ImageLoader, samples)).toEqual({ ...decoded, refused: {} })
    arrayFile(file, 11)
    const { batches } = await read(data, null, {}, ImageLoader, samples)
    expect(batches).not.toEqual(decoded.batches)
    const refused = { 'array.npy#0': 'changed', 'array.npy#1': 'changed', 'array.npy#2': 'changed' }
    expect(await read(data, out, {}, ImageLoader, samples)).toEqual({ batches, refused })
    expect(await packArray()).toMatchObject({ packed: 3, renewed: 3 })
  })
})

describe('a damaged pack', () => {
  it('is never believed: checksums tell, and the file is decoded instead', async () => {
    const { data, out } = copy()
    await pack(data, out)
    const decoded = await read(data, null)
    const pixels = join(out, 'pixels.u16')
    const bytes = readFileSync(pixels)
    bytes[5 * RECORD + 17] ^= 4
    writeFileSync(pixels, bytes.subarray(0, 26 * RECORD + 1))
    // Records are in the order of the samples, without those that failed: 4, 11 and 17.
    const refused = { 'images/6.jpg': 'damaged', 'images/29.png': 'damaged' }
    expect(await read(data, out)).toEqual({ ...decoded, refused })
    expect(await verifyPack(out)).toEqual({ images: 27, failures: 3, damaged: Object.keys(refused) })
    // Without a look at the checksums nothing seems wrong.
    expect(await pack(data, out)).toMatchObject({ packed: 0, kept: 27 })
    expect(await pack(data, out, { verify: true })).toMatchObject({ packed: 2, kept: 25, renewed: 2 })
    expect(await read(data, out)).toEqual({ ...decoded, refused: {} })
    expect(await verifyPack(out)).toEqual({ images: 27, failures: 3, damaged: [] })
  })

  it('that ends anywhere in its index has what was finished before, and can be gone on with', async () => {
    const { data, out } = copy()
    const all = await read(data, null)
    // Three blocks of ten files each.
    const part = (upTo: number) => ({
      name: 'part',
      fingerprint: 'f',
      samples: samplesOf(data).slice(0, upTo),
    })
    const ends = [0]
    for (const upTo of [10, 20, 30]) {
      await packDataset(part(upTo), { out, preprocessing, root: data, workers: 0 })
      ends.push(statSync(join(out, 'index.bin')).size)
    }
    const index = readFileSync(join(out, 'index.bin'))
    for (let length = 0; length <= index.length; length += 61) {
      writeFileSync(join(out, 'index.bin'), index.subarray(0, length))
      const whole = ends.filter((end) => end <= length).length - 1
      const opened = new PackIndex(out)
      expect([opened.count, opened.end]).toEqual([10 * whole, ends[whole]])
      opened.close()
    }
    // Half a block, and rubbish behind it, as a power cut may leave.
    writeFileSync(join(out, 'index.bin'), index.subarray(0, ends[2] + 100))
    appendFileSync(join(out, 'index.bin'), Buffer.alloc(3000, 7))
    expect(await read(data, out)).toEqual({ ...all, refused: {} })
    expect(await pack(data, out)).toMatchObject({ packed: 10, kept: 17 })
    expect(readFileSync(join(out, 'index.bin')).length).toBe(index.length)
    expect(await read(data, out)).toEqual({ ...all, refused: {} })
  })

  it('can be stopped and gone on with', async () => {
    const { data, out } = copy()
    const abort = new AbortController()
    const stopped = await pack(data, out, {
      signal: abort.signal,
      onProgress: (done) => (done >= 8 ? abort.abort() : undefined),
    })
    expect(stopped.complete).toBe(false)
    expect(stopped.packed).toBeGreaterThan(0)
    expect(stopped.packed).toBeLessThan(27)
    const rest = await pack(data, out)
    expect(rest).toMatchObject({ complete: true, kept: stopped.packed })
    expect(rest.packed + rest.kept).toBe(27)
    expect((await read(data, out)).refused).toEqual({})
  })
})

describe('the index', () => {
  it('finds each of many files, and none that is not there', async () => {
    const { data, out } = copy()
    const samples = Array.from({ length: 3000 }, (_, index) => ({
      ...samplesOf(data)[0],
      path: join(data, `absent-${index}.png`),
    }))
    const summary = await packDataset(
      { name: 'absent', fingerprint: 'f', samples },
      { out, preprocessing, root: data, workers: 0 },
    )
    expect(summary.failed).toHaveLength(3000)
    const index = new PackIndex(out)
    expect(index.count).toBe(3000)
    for (const at of [0, 1, 1023, 1024, 2047, 2999]) {
      const entry = index.find(`absent-${at}.png`)
      expect(index.keyOf(entry)).toBe(`absent-${at}.png`)
      expect(index.textOf(entry)).toContain(`absent-${at}.png: no such file`)
    }
    expect(index.find('absent-3000.png')).toBe(-1)
    index.close()
  })
})
