import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from './formats/decode.js'
import { ImageLoader, type Batch, type LoaderOptions } from './loader.js'
import type { LoaderPool as PoolClass } from './loader-pool.js'
import { preprocess } from './preprocess.js'
import { preprocessingWith } from './preprocessing.js'
import { Random } from './random.js'

const fixtures = fileURLToPath(new URL('../../test/fixtures/data/images', import.meta.url))

/** Threads start from compiled files only. */
const built = new URL('../../dist/data/loader.js', import.meta.url)
const isBuilt = existsSync(built) && existsSync(new URL('./loader-worker.js', built))
const Threaded = isBuilt
  ? ((await import(built.href)) as { ImageLoader: typeof ImageLoader }).ImageLoader
  : ImageLoader

const basics: LoaderOptions = {
  ...preprocessingWith({ size: 12, channels: 3 }),
  workers: 0,
  cacheBytes: 0,
  strict: false,
}

let folder: string
/** 30 PNG and JPEG files of several sizes; 4 is cut off, 11 is missing, 17 is text. */
let paths: string[]
const BAD = [4, 11, 17]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plurad-loader-'))
  paths = Array.from({ length: 30 }, (_, index) =>
    join(folder, `${index}.${index % 3 === 0 ? 'jpg' : 'png'}`),
  )
  for (const [index, path] of paths.entries()) {
    const [width, height] = [10 + index, 40 - index]
    const raw = Uint8Array.from({ length: width * height }, (_, at) => (at * (index + 3)) % 251)
    await sharp(raw, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .toFile(path)
  }
  await writeFile(paths[4], readFileSync(paths[4]).subarray(0, 120))
  await rm(paths[11])
  await copyFile(fileURLToPath(import.meta.url), paths[17])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const order = Uint32Array.from({ length: 30 }, (_, at) => (at * 7) % 30)

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = []
  for await (const batch of batches) all.push(batch)
  return all
}

describe.each([
  ['in the calling thread', ImageLoader, 0, false],
  [`in two threads${isBuilt ? '' : ' (not compiled: npm run build)'}`, Threaded, 2, !isBuilt],
])('ImageLoader %s', (_, Loader, workers, skip) => {
  const check = it.skipIf(skip)

  async function withLoader<T>(
    options: Partial<LoaderOptions>,
    use: (loader: ImageLoader) => Promise<T>,
  ): Promise<T> {
    const loader = new Loader({ ...basics, workers, ...options })
    try {
      return await use(loader)
    } finally {
      await loader.close()
    }
  }

  check('gives what preprocess gives, in order, and lists damaged files', async () => {
    const batches = await withLoader({}, (loader) => collect(loader.batches(paths, order, 8)))
    expect(batches.map(({ indices, failed }) => indices.length + failed.length)).toEqual([8, 8, 8, 6])
    expect(batches.flatMap(({ indices }) => [...indices])).toEqual(
      [...order].filter((index) => !BAD.includes(index)),
    )
    for (const { indices, pixels } of batches) {
      expect(pixels).toHaveLength(indices.length * 3 * 12 * 12)
      for (const [row, index] of indices.entries()) {
        const expected = preprocess(
          await decodeImage(paths[index]),
          preprocessingWith({ size: 12, channels: 3 }),
        )
        expect(pixels.subarray(row * 432, (row + 1) * 432)).toEqual(expected)
      }
    }
    const failed = batches.flatMap((batch) => batch.failed).sort((a, b) => a.index - b.index)
    expect(failed.map(({ index }) => index)).toEqual(BAD)
    expect(failed.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('4.png: damaged or cut-off PNG'),
      expect.stringContaining('11.png: no such file'),
      expect.stringContaining('17.png: not an image we can read'),
    ])
  })

  check('gives the same bits with a cache, full, small or none', async () => {
    const plain = await withLoader({}, (loader) => collect(loader.batches(paths, order, 7)))
    for (const cacheBytes of [1e6, 5 * 432 * 2, 100]) {
      await withLoader({ cacheBytes }, async (loader) => {
        for (let epoch = 0; epoch < 3; epoch++)
          expect(await collect(loader.batches(paths, order, 7))).toEqual(plain)
        expect(loader.cachedBytes).toBe(Math.min(27, Math.floor(cacheBytes / 864)) * 864)
        expect(loader.failures.size).toBe(3)
      })
    }
  })

  check('does not read a file again that is cached or was damaged', async () => {
    const copy = join(folder, `again-${workers}.png`)
    await copyFile(paths[1], copy)
    const broken = join(folder, `broken-${workers}.png`)
    await writeFile(broken, 'x')
    await withLoader({ cacheBytes: 1e6 }, async (loader) => {
      const first = await collect(loader.batches([copy, broken], [0, 1], 2))
      await rm(copy)
      await copyFile(paths[1], broken)
      expect(await collect(loader.batches([copy, broken], [0, 1], 2))).toEqual(first)
      expect(first[0]?.failed).toHaveLength(1)
    })
  })

  check('goes on in the middle of an epoch, and takes repeats', async () => {
    const repeated = [1, 2, 1, 1, 3, 2, 5, 5]
    await withLoader({}, async (loader) => {
      const whole = await collect(loader.batches(paths, repeated, 3))
      expect(whole.map(({ indices }) => [...indices])).toEqual([
        [1, 2, 1],
        [1, 3, 2],
        [5, 5],
      ])
      expect(await collect(loader.batches(paths, repeated, 3, { startBatch: 1 }))).toEqual(whole.slice(1))
      expect(await collect(loader.batches(paths, repeated, 3, { startBatch: 3 }))).toEqual([])
      expect(await collect(loader.batches(paths, repeated, 3, { prefetchBatches: 0 }))).toEqual(whole)
      expect(await collect(loader.batches(paths, [], 3))).toEqual([])
    })
  })

  check('hands out a batch of damaged files alone as an empty one', async () => {
    const [batch] = await withLoader({}, (loader) => collect(loader.batches(paths, BAD, 3)))
    expect(batch).toMatchObject({ indices: new Int32Array(0), pixels: new Float32Array(0) })
    expect(batch?.failed.map(({ index }) => index)).toEqual(BAD)
  })

  check('strict: stops at the batch with the damaged file, naming it', async () => {
    await withLoader({ strict: true }, async (loader) => {
      const seen: number[] = []
      const run = async () => {
        for await (const batch of loader.batches(paths, [0, 1, 2, 3, 4, 5], 2)) seen.push(...batch.indices)
      }
      await expect(run()).rejects.toMatchObject({
        name: 'DataError',
        message: expect.stringContaining('4.png') as string,
      })
      expect(seen).toEqual([0, 1, 2, 3])
    })
  })

  check('can be left early, used again and closed in the middle', async () => {
    const many = Array.from({ length: 600 }, (_, at) => at % 30)
    const loader = new Loader({ ...basics, workers })
    for (let time = 0; time < 3; time++) {
      for await (const batch of loader.batches(paths, many, 20)) {
        expect(batch.indices.length).toBe(17)
        break
      }
    }
    expect([...loader.failures.keys()].every((path) => BAD.some((bad) => path === paths[bad]))).toBe(true)
    const running = loader.batches(paths, many, 20)
    await running.next()
    await loader.close()
    await expect(collect(running)).rejects.toThrow('closed')
    await expect(loader.batches(paths, many, 20).next()).rejects.toThrow('closed')
    await loader.close()
  })

  check('keeps two sequences apart', async () => {
    await withLoader({ cacheBytes: 1e6 }, async (loader) => {
      const left = loader.batches(paths, [0, 1, 2, 3], 2)
      await left.next()
      const right = loader.batches(paths, [5, 6, 7, 8, 9, 10], 2)
      await right.next()
      await left.return()
      expect((await collect(right)).map(({ indices }) => [...indices])).toEqual([
        [7, 8],
        [9, 10],
      ])
    })
  })

  check('gives every repeat its pixels, also while others still wait for the same file', async () => {
    const few = [0, 1, 2, 3, 5, 6].map((index) => paths[index])
    const expected = await Promise.all(
      few.map(async (path) =>
        preprocess(await decodeImage(path), preprocessingWith({ size: 12, channels: 3 })),
      ),
    )
    const random = new Random(3)
    const many = Array.from({ length: 200 }, () => random.integer(few.length))
    for (const reuse of [false, true]) {
      await withLoader({}, async (loader) => {
        const seen: number[] = []
        for await (const { indices, pixels } of loader.batches(few, many, 4, { reuse })) {
          seen.push(...indices)
          indices.forEach((index, row) => {
            expect(pixels.subarray(row * 432, (row + 1) * 432)).toEqual(expected[index])
          })
        }
        expect(seen).toEqual(many)
      })
    }
  })

  check('stacks the images of a sample as channels, black where one is missing', async () => {
    const sources = [
      [paths[0], paths[1]],
      [paths[2], ''],
      ['', paths[3]],
      paths[5],
      [paths[6], paths[4]],
      ['', ''],
    ]
    const one = async (path: string | undefined): Promise<number[]> =>
      path === undefined
        ? new Array<number>(3 * 12 * 12).fill(0)
        : [...preprocess(await decodeImage(path), preprocessingWith({ size: 12, channels: 3 }))]
    const expected = [
      [paths[0], paths[1]],
      [paths[2], undefined],
      [undefined, paths[3]],
      [paths[5], undefined],
    ]
    await withLoader({ images: 2, cacheBytes: 1e6 }, async (loader) => {
      for (let epoch = 0; epoch < 2; epoch++) {
        const [batch] = await collect(loader.batches(sources, [0, 1, 2, 3, 4, 5], 6))
        expect([...(batch?.indices ?? [])]).toEqual([0, 1, 2, 3])
        for (const [row, files] of expected.entries()) {
          const pixels = (await Promise.all(files.map(one))).flat()
          expect([...(batch?.pixels.subarray(row * 864, (row + 1) * 864) ?? [])]).toEqual(pixels)
        }
        expect(batch?.failed).toEqual([
          { index: 4, reason: expect.stringContaining('4.png: damaged') as string },
          { index: 5, reason: 'there is no image file for this sample' },
        ])
      }
      expect([...loader.failures.keys()]).toEqual([paths[4]])
      await expect(collect(loader.batches([[paths[0], paths[1], paths[2]]], [0], 1))).rejects.toThrow(
        'Source 0 has 3 images, expected at most 2',
      )
    })
  })

  check('names an index that is out of range', async () => {
    await withLoader({}, async (loader) => {
      await expect(collect(loader.batches(paths, [99], 1))).rejects.toThrow(
        /Index 99 in the order, but there are 30 sources/,
      )
      await expect(collect(loader.batches(paths, [0], 0))).rejects.toThrow(RangeError)
    })
  })
})

describe.skipIf(!isBuilt)('threads', () => {
  it('decode on while the caller blocks its own thread', async () => {
    const copies = paths.filter((_, index) => !BAD.includes(index)).map((path) => `${path}.copy`)
    for (const path of copies) copyFileSync(path.replace(/\.copy$/, ''), path)
    const loader = new Threaded({ ...basics, workers: 1 })
    const running = loader.batches(copies, [...copies.keys()], 5, { prefetchBatches: 6 })
    await running.next()
    // Nothing of this thread's event loop turns here, as in a training step.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000)
    // What was not read by now cannot be read any more.
    for (const path of copies) rmSync(path)
    const rest = await collect(running)
    expect(rest.flatMap(({ indices }) => [...indices])).toEqual([...copies.keys()].slice(5))
    await loader.close()
  })

  it('that die are an error that names them, not a hang', async () => {
    const { LoaderPool } = (await import(new URL('./loader-pool.js', built).href)) as {
      LoaderPool: typeof PoolClass
    }
    const pool = new LoaderPool(2, { preprocessing: preprocessingWith({ size: 8 }), pack: null })
    const files = [{ path: join(fixtures, 'grey8.png'), packed: null }]
    // No file brings a worker down; a task without its stop flag does.
    const dying = pool.run(files, null as unknown as Int32Array)
    await expect(dying).rejects.toThrow(/^Image loading thread 1 of 2 stopped .* while it had .*grey8\.png/)
    const later = pool.run(files, new Int32Array(new SharedArrayBuffer(4)))
    await expect(later).rejects.toThrow(/^Image loading thread 1 of 2 stopped/)
    await pool.close()
  })

  it('leave nothing running: a program that forgets to close them ends', async () => {
    const images = readdirSync(fixtures).map((name) => join(fixtures, name))
    const program = `
      import { ImageLoader } from ${JSON.stringify(built.href)}
      const loader = new ImageLoader(${JSON.stringify({ ...basics, workers: 2 })})
      const paths = ${JSON.stringify(images)}
      for await (const batch of loader.batches(paths, paths.map((_, at) => at), 2)) break
      console.log('left')`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 30_000 })
    expect(out.toString()).toBe('left\n')
  })
})
