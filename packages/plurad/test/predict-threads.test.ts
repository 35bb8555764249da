/** Prediction of many files in threads: the same as without, whatever happens to model, files and program meanwhile. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generatePhantoms } from '../src/data/phantom/index.js'
import { decodeImage, FilePredictor } from '../src/predict/node.js'
import { writeRandomModel } from './random-model.js'

/** Worker threads run built code only. */
const built = new URL('../dist/predict/node.js', import.meta.url)
const isBuilt = existsSync(built)
const Threaded = isBuilt
  ? ((await import(built.href)) as { FilePredictor: typeof FilePredictor }).FilePredictor
  : FilePredictor
const here = { workers: 0 }

let folder: string
let images: string[]
/** A model file, and another of other labels. */
let first: string
let second: string
const at = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-threads-'))
  await generatePhantoms(at('data'), { count: 8, size: 64, seed: 2 })
  images = readdirSync(at('data/images')).map((name) => at(`data/images/${name}`))
  const raw = { width: 64, height: 64, channels: 1 } as const
  await sharp(new Uint8Array(64 * 64), { raw })
    .png()
    .toFile(at('blank.png'))
  const decoded = await Promise.all(images.slice(0, 4).map((image) => decodeImage(image)))
  first = writeRandomModel(at('first'), { images: decoded }).onnx
  const changes = { labels: ['c', 'a', 'b'] as [string, ...string[]] }
  second = writeRandomModel(at('second'), { changes, seed: 1, images: decoded }).onnx
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!isBuilt)('threads', () => {
  /** 40 files, one missing and one with a warning among them. */
  const files = (): string[] => {
    const blank = at('blank.png')
    return Array.from({ length: 40 }, (_, i) =>
      i === 7 ? at('missing.png') : i === 21 ? blank : images[i % 8],
    )
  }
  it('say what one says, of everything that was given, in its order', async () => {
    // A path, an address of a file and content.
    for (const models of [first, [pathToFileURL(second)], [first, readFileSync(second)]]) {
      const predictor = await Threaded.load(models)
      try {
        const told: [number, number][] = []
        const threaded = await predictor.predict(files(), {
          workers: 3,
          onProgress: (done, total) => told.push([done, total]),
        })
        const alone = await predictor.predict(files(), here)
        expect(threaded).toEqual(alone)
        expect(threaded.indices).toHaveLength(39)
        expect(threaded.unreadable).toMatchObject([{ index: 7, image: at('missing.png') }])
        expect(threaded.warnings).toMatchObject([
          { index: 21, reason: expect.stringMatching(/same value/) as string },
        ])
        const total = 40 * predictor.models.length
        expect(told.at(-1)).toEqual([total, total])
        expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).sort((a, b) => a - b))
        const views = ['shifts', 'zooms']
        const viewed = await predictor.predict(files(), { workers: 3, views })
        expect(viewed).toEqual(await predictor.predict(files(), { ...here, views }))
        expect(viewed.scores).not.toEqual(alone.scores)
        // In the threads that there are.
        expect(await predictor.predict(files())).toEqual(alone)
      } finally {
        await predictor.close()
      }
    }
  })

  it('start at once where many files are announced, without a network beside them', async () => {
    const predictor = await Threaded.load([first, second], { expecting: 40, threads: 2 })
    const threaded = await predictor.predict(files())
    // Of few files, and of content, the networks are loaded here after all.
    const few = await predictor.predict([images[0], readFileSync(images[1])])
    expect(threaded).toEqual(await predictor.predict(files(), here))
    expect([...few.scores]).toEqual([...threaded.scores.subarray(0, 6)])
    await predictor.close()
  })

  it('say by its name which model cannot be loaded', async () => {
    const damaged = at('damaged.onnx')
    writeFileSync(damaged, readFileSync(first).toString('latin1').replaceAll('Conv', 'Conw'), 'latin1')
    const predictor = await Threaded.load([first, damaged], { expecting: 40, threads: 2 })
    await expect(predictor.predict(files())).rejects.toThrow(/damaged\.onnx cannot be loaded: .*Conw/)
    await predictor.close()
    await expect(Threaded.load([first, damaged])).rejects.toThrow(/damaged\.onnx cannot be loaded/)
  })

  it('stop at the first file that cannot be read, when strict', async () => {
    const predictor = await Threaded.load(first)
    const two = files().map((file, i) => (i === 30 ? at('missing-too.png') : file))
    const failing = predictor.predict(two, { workers: 2, strict: true })
    await expect(failing).rejects.toThrow(/missing\.png: no such file/)
    await expect(failing).rejects.toMatchObject({ name: 'DataError' })
    const { indices } = await predictor.predict(files(), { workers: 2 })
    expect(indices).toHaveLength(39)
    await predictor.close()
  })

  it('predict with the model that was loaded, whatever has become of its file', async () => {
    const changing = at('changing.onnx')
    copyFileSync(first, changing)
    const bytes = new Uint8Array(readFileSync(changing))
    const [fromFile, fromBytes] = [await Threaded.load(changing), await Threaded.load(bytes)]
    rmSync(changing)
    bytes.fill(0)
    const expected = await fromFile.predict(files(), here)
    expect(await fromFile.predict(files(), { workers: 2 })).toEqual(expected)
    expect(await fromBytes.predict(files(), { workers: 2 })).toEqual(expected)
    await fromFile.close()
    await fromBytes.close()
  })

  it('of calls at the same time do not disturb each other', async () => {
    const predictor = await Threaded.load(first)
    const expected = await predictor.predict(files(), here)
    const cancelled = predictor.predict(files(), {
      workers: 2,
      onProgress: () => {
        throw new Error('enough')
      },
    })
    const [two, one, none] = await Promise.all([
      predictor.predict(files(), { workers: 2 }),
      predictor.predict(files(), { workers: 1 }),
      predictor.predict(files()),
      expect(cancelled).rejects.toThrow('enough'),
    ])
    expect([two, one, none]).toEqual([expected, expected, expected])
    await expect(predictor.predict(files(), { workers: -1 })).rejects.toThrow(/workers -1/)
    await expect(predictor.predict(files(), { workers: NaN })).rejects.toThrow(/workers NaN/)
    const closing = predictor.predict([...files(), ...files()], { workers: 2 })
    closing.catch(() => undefined)
    await predictor.close()
    await expect(closing).rejects.toThrow(/Prediction threads were closed/)
    await expect(predictor.predict(files(), { workers: 2 })).rejects.toThrow(/The predictor was closed/)
  })

  it('do not crash a program that ends while they predict', () => {
    for (const wait of [0, 100, 300, 400]) {
      const program = `
        import { FilePredictor } from ${JSON.stringify(built.href)}
        const predictor = await FilePredictor.load(${JSON.stringify(first)})
        const files = ${JSON.stringify(files())}
        const many = Array.from({ length: 50 }, () => files).flat()
        void predictor.predict(many, { workers: 2 })
        setTimeout(() => process.exit(3), ${wait})`
      const { status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program])
      expect({ status, signal }).toEqual({ status: 3, signal: null })
    }
  })

  it('leave nothing running: a program that forgets to close them ends', () => {
    const program = `
      import { FilePredictor } from ${JSON.stringify(built.href)}
      const predictor = await FilePredictor.load(${JSON.stringify(first)})
      const { indices } = await predictor.predict(${JSON.stringify(files())}, { workers: 2 })
      console.log(indices.length)`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 60_000 })
    expect(out.toString()).toBe('39\n')
  })
})
