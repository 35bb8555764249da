/** What people give to a model, and what they get wrong: through the library and through `plurad predict`. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generatePhantoms } from '../src/data/phantom/index.js'
import { withMetadata } from '../src/export/onnx/metadata.js'
import type { ModelInfo } from '../src/models/model-info.js'
import { decodeImage, FilePredictor } from '../src/predict/node.js'
import { FileServer, serve } from './file-server.js'
import { fail, plurad, succeed } from './cli.js'
import { coloured, writeRandomModel } from './random-model.js'

let folder: string
let images: string[]
const at = (name: string): string => join(folder, name)
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
/** Worker threads run built code only. */
const here = { workers: 0 }
/** A model of its own, by the name of its files. */
async function model(name: string, changes: Partial<ModelInfo> = {}, seed = 0): Promise<string> {
  const decoded = await Promise.all(images.slice(0, 4).map((image) => decodeImage(image)))
  return writeRandomModel(at(name), { changes, seed, images: decoded }).onnx
}

async function withPredictor<T>(
  models: string | string[],
  use: (predictor: FilePredictor) => Promise<T>,
): Promise<T> {
  const predictor = await FilePredictor.load(models, { threads: 1 })
  try {
    return await use(predictor)
  } finally {
    await predictor.close()
  }
}

const predict = (models: string | string[], given: string[]) =>
  withPredictor(models, (predictor) => predictor.predict(given, here))

/** The one warning or reason of one image. */
async function warningOf(models: string, image: string): Promise<string> {
  const { images: read, warnings } = await predict(models, [image])
  expect(read).toEqual([image])
  expect(warnings).toHaveLength(1)
  return warnings[0].reason
}

const grey = (width: number, height: number, pixel: (i: number) => number): Sharp =>
  sharp(
    Uint8Array.from({ length: width * height }, (_, i) => pixel(i)),
    {
      raw: { width, height, channels: 1 },
    },
  )

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-predict-'))
  await generatePhantoms(at('data'), { count: 8, size: 64, seed: 2 })
  images = readdirSync(at('data/images')).map((name) => at(`data/images/${name}`))
  await model('first')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a predictor', () => {
  it('gives the same for paths, bytes, blobs, addresses of files and of servers', async () => {
    const server = await FileServer.start()
    server.answer = serve(readFileSync(images[0]))
    try {
      const content = readFileSync(images[0])
      const given = [
        images[0],
        new Uint8Array(content),
        new Uint8Array(content).buffer,
        new Blob([content]),
        new File([content], 'radiograph.png'),
        pathToFileURL(images[0]),
        new URL(`${server.base}/a.png`),
      ]
      await withPredictor(at('first.onnx'), async (predictor) => {
        const { scores, images: names, indices } = await predictor.predict(given)
        expect(indices).toEqual([0, 1, 2, 3, 4, 5, 6])
        expect(names.slice(1, 5)).toEqual(['image 2', 'image 3', 'image 4', 'radiograph.png'])
        for (let row = 1; row < given.length; row++)
          expect([...scores.subarray(3 * row, 3 * row + 3)]).toEqual([...scores.subarray(0, 3)])
      })
      const fromBytes = await FilePredictor.load(readFileSync(at('first.onnx')), { threads: 1 })
      const { scores } = await fromBytes.predict([images[0]])
      await fromBytes.close()
      expect([...scores]).toEqual([...(await predict(at('first.onnx'), [images[0]])).scores])
    } finally {
      await server.stop()
    }
  })

  it('matches the labels of an ensemble by name, in whatever order they are', async () => {
    const second = await model('second', { labels: ['c', 'a', 'b'] }, 1)
    const [one, two] = [await predict(at('first.onnx'), images), await predict(second, images)]
    const both = await predict([at('first.onnx'), second], images)
    expect(both.labels).toEqual(['a', 'b', 'c'])
    for (let row = 0; row < images.length; row++) {
      for (const [i, place] of [1, 2, 0].entries()) {
        const mean = (one.scores[3 * row + i] + two.scores[3 * row + place]) / 2
        expect(both.scores[3 * row + i]).toBeCloseTo(mean, 12)
      }
    }
    expect(both.info.thresholds).toEqual([null, null, null])
  })

  it('averages over further views of each image, of every model', async () => {
    const second = await model('viewed', {}, 3)
    const models = [at('first.onnx'), second]
    const image = await decodeImage(images[0])
    const { data, width, channels } = image
    const mirrored = data.slice().map((_, i) => {
      const [pixel, channel] = [Math.floor(i / channels), i % channels]
      const row = Math.floor(pixel / width)
      return data[(row * width + (width - 1 - (pixel % width))) * channels + channel]
    })
    await withPredictor(models, async (predictor) => {
      const { scores, outOfDistribution } = await predictor.predict([images[0]], {
        ...here,
        views: ['flips'],
      })
      const alone = await predictor.predict([images[0]], here)
      const flipped = await predictor.predictDecoded([{ ...image, data: mirrored }])
      scores.forEach((score, i) => expect(score).toBeCloseTo((alone.scores[i] + flipped[i]) / 2, 5))
      expect(Math.max(...scores.map((score, i) => Math.abs(score - alone.scores[i])))).toBeGreaterThan(1e-3)
      expect(outOfDistribution).toEqual(alone.outOfDistribution)
      await expect(predictor.predict([images[0]], { views: ['spins'] })).rejects.toThrow(
        /no views 'spins': expected flips, shifts/,
      )
    })
  })

  it('refuses an ensemble of different labels, and samples of more images than it knows', async () => {
    const other = await model('other', { labels: ['a', 'b', 'd'] })
    await expect(FilePredictor.load([at('first.onnx'), other])).rejects.toThrow(
      /need the same labels; one has a, b, c, another a, b, d/,
    )
    const pair: [string, string] = [images[0], images[1]]
    await withPredictor(at('first.onnx'), (predictor) =>
      expect(predictor.predict([pair], here)).rejects.toThrow(
        /samples of 2 images.*knows only 1.*data\.images 2/,
      ),
    )
  })

  it('refuses a model whose description is damaged or of the wrong kind', async () => {
    const broken = at('broken.onnx')
    writeFileSync(broken, withMetadata(readFileSync(at('first.onnx')), 'plurad', '{"labels": []}'))
    await expect(FilePredictor.load(broken)).rejects.toThrow(/broken\.onnx: its description is damaged/)
    const ranged = JSON.stringify({ ...writeRandomModel(at('range')).info, value_range: [-1, 1] })
    writeFileSync(broken, withMetadata(readFileSync(at('first.onnx')), 'plurad', ranged))
    await expect(FilePredictor.load(broken)).rejects.toThrow(/value_range/)
  })

  it.each([
    [{ size: 96 }, /description does not fit its network: it says 1 planes of 96 pixels.*takes \[.*64, 64\]/],
    [{ channels: 3 as const }, /it says 3 planes of 64/],
    [
      { labels: ['a', 'b'] as ModelInfo['labels'], thresholds: [0.5, 0.5] },
      /it says 2 labels.*gives \[.*3\]/,
    ],
    [{ labels: ['a', 'b', 'b'] as ModelInfo['labels'] }, /labels: expected names that differ/],
    [{ thresholds: [0.5] }, /thresholds: expected one a label/],
  ])('refuses a model whose description does not fit its network: %o', async (changes, expected) => {
    const broken = at('unfit.onnx')
    const info = JSON.stringify({ ...writeRandomModel(at('fit')).info, ...changes })
    writeFileSync(broken, withMetadata(readFileSync(at('first.onnx')), 'plurad', info))
    await expect(FilePredictor.load(broken)).rejects.toThrow(expected)
  })
})

describe('an image that is not what a model expects', () => {
  it('in colour, tiny, long or empty is predicted with a warning', async () => {
    const first = at('first.onnx')
    const [colour, tiny, long, black] = [at('colour.png'), at('tiny.png'), at('long.png'), at('black.png')]
    await coloured(images[0]).then((image) => image.png().toFile(colour))
    await grey(1, 1, () => 90)
      .png()
      .toFile(tiny)
    await grey(900, 64, (i) => i % 251)
      .png()
      .toFile(long)
    await grey(64, 64, () => 0)
      .png()
      .toFile(black)
    expect(await warningOf(first, colour)).toMatch(/in colour, and the model looks at grey values only/)
    const line = at('line.png')
    await grey(20_000, 10, (i) => i % 251)
      .png()
      .toFile(line)
    const { images: read, unreadable } = await predict(first, [line])
    expect(read).toEqual([])
    expect(unreadable).toMatchObject([
      { reason: expect.stringMatching(/20000 x 10 pixels is a line/) as string },
    ])
    expect(await warningOf(first, tiny)).toMatch(/1 x 1 pixels only, where the model looks at 64 x 64/)
    expect(await warningOf(first, long)).toMatch(
      /900 x 64, and the model looks at the square in its middle, 7 % of it/,
    )
    expect(await warningOf(first, black)).toMatch(/every pixel has the same value/)
    // Grey in three channels is what many programs write.
    const threefold = at('threefold.png')
    await sharp(images[0]).toColourspace('srgb').png().toFile(threefold)
    expect((await predict(first, [threefold])).warnings).toEqual([])
  })

  it('outside of the declared range is predicted with a warning', async () => {
    const twelve = await model('twelve', { bits: 12 })
    const values = Uint16Array.from({ length: 64 * 64 }, (_, i) => 3 * i)
    const deep = at('deep.png')
    await sharp(values, { raw: { width: 64, height: 64, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toFile(deep)
    expect(await warningOf(twelve, deep)).toMatch(/values are above 4095, the most of 12 bits/)
  })

  it('huge or cut off is refused by name', async () => {
    const huge = at('huge.png')
    const header = readFileSync(images[0])
    header.writeUInt32BE(100_000, 16)
    header.writeUInt32BE(100_000, 20)
    writeFileSync(huge, header)
    const cut = at('cut.dcm')
    writeFileSync(cut, readFileSync(fixture('dicom/files/implicit.dcm')).subarray(0, -40))
    const { unreadable, scores } = await predict(at('first.onnx'), [huge, cut, images[0]])
    expect(unreadable).toEqual([
      {
        image: huge,
        index: 0,
        reason: expect.stringMatching(/huge\.png.*100000 x 100000 pixels, more than/) as string,
      },
      {
        image: cut,
        index: 1,
        reason: expect.stringMatching(/cut\.dcm: damaged or cut-off DICOM file.*ends within/) as string,
      },
    ])
    expect(scores).toHaveLength(3)
  })
})

describe('plurad predict', () => {
  it('finishes a batch of 1,000 with 10 damaged files with 990 results and a list of 10', async () => {
    const many = at('many')
    mkdirSync(join(many, 'deep/er'), { recursive: true })
    const name = (i: number): string =>
      join(many, i % 2 === 0 ? 'deep/er' : '.', `${String(i).padStart(4, '0')}.png`)
    for (let i = 0; i < 1000; i++) copyFileSync(images[i % images.length], name(i))
    const damaged = Array.from({ length: 10 }, (_, i) => name(97 * i + 3))
    damaged.forEach((path, i) => writeFileSync(path, readFileSync(images[0]).subarray(0, 40 * i)))
    const { code, stdout, stderr } = await plurad(['predict', at('first.onnx'), many, '--json'])
    expect(code).toBe(1)
    expect(stderr).toContain('10 of 1000 images could not be read')
    const results = JSON.parse(stdout) as { image: string; findings?: unknown[]; error?: string }[]
    expect(results.filter(({ findings }) => findings?.length === 3)).toHaveLength(990)
    const failed = results.filter(({ error }) => error !== undefined)
    expect(failed.map(({ image }) => image).sort()).toEqual([...damaged].sort())
    for (const { image, error } of failed) expect(error).toContain(image)
  })

  it('takes folders in every format, parts of files, patterns and several models', async () => {
    const study = at('study')
    mkdirSync(join(study, 'series'), { recursive: true })
    copyFileSync(images[0], join(study, 'a.png'))
    copyFileSync(fixture('data/images/grey16.tif'), join(study, 'b.tif'))
    copyFileSync(fixture('dicom/files/frames.dcm'), join(study, 'series/IM0001'))
    copyFileSync(fixture('dicom/files/frames.dcm'), join(study, 'series/DICOMDIR'))
    writeFileSync(join(study, 'notes.txt'), 'no image')
    writeFileSync(join(study, 'list'), 'no image either')
    const second = await model('member', { labels: ['b', 'c', 'a'] }, 2)
    const frames = `${join(study, 'series/IM0001')}#1`
    const { stdout } = await succeed([
      'predict',
      at('first.onnx'),
      second,
      study,
      frames,
      `${study}/*.p?g`,
      '--json',
    ])
    const results = JSON.parse(stdout) as {
      image: string
      findings: { label: string; probability: number; calibrated: null; threshold: null }[]
      out_of_distribution: null
    }[]
    expect(results.map(({ image }) => image)).toEqual([
      ...['a.png', 'b.tif', 'series/IM0001'].map((name) => join(study, name)),
      frames,
      join(study, 'a.png'),
    ])
    expect(results[0].findings).toEqual(results[4].findings)
    expect(results[2].findings).not.toEqual(results[3].findings)
    expect(results[0].findings.map(({ label }) => label)).toEqual(['a', 'b', 'c'])
    expect(results[0]).toMatchObject({ out_of_distribution: null, findings: [{ calibrated: null }, {}, {}] })
    const expected = await predict([at('first.onnx'), second], [images[0]])
    results[0].findings.forEach(({ probability }, i) =>
      expect(probability).toBeCloseTo(expected.scores[i], 6),
    )
  })

  it('prints calibrated probabilities where the model has a calibration, and decides by them', async () => {
    const halved = { method: 'platt' as const, slope: 1, intercept: -Math.log(3) }
    const calibrated = await model('calibrated', {
      calibration: [halved, null, halved],
      thresholds: [0.5, 0.5, null],
    })
    const args = ['predict', calibrated, images[0], images[1]]
    const { stdout } = await succeed([...args, '--json'])
    const results = JSON.parse(stdout) as {
      findings: { probability: number; calibrated: number; present: boolean | null }[]
    }[]
    for (const { findings } of results) {
      // Odds by three less.
      const odds = (p: number): number => p / (1 - p)
      expect(odds(findings[0].calibrated)).toBeCloseTo(odds(findings[0].probability) / 3, 6)
      expect(findings[1].calibrated).toBe(findings[1].probability)
      expect(findings.map(({ present }) => present)).toEqual([
        findings[0].calibrated >= 0.5,
        findings[1].probability >= 0.5,
        null,
      ])
    }
    const table = (await succeed([...args, '--csv'])).stdout.trim().split('\n')
    expect(table[0]).toBe('image,a,b,c,a:calibrated,b:calibrated,c:calibrated')
    expect(Number(table[1].split(',')[4])).toBe(results[0].findings[0].calibrated)
    expect((await succeed(args)).stdout).toMatch(/finding +probability +calibrated +threshold/)
  })

  it('says what stands for nothing', async () => {
    const first = at('first.onnx')
    mkdirSync(at('empty'))
    expect(await fail(['predict', first, at('empty')])).toMatch(/holds no image.*\.dcm/)
    expect(await fail(['predict', first, at('none.png')])).toMatch(/no file or folder/)
    expect(await fail(['predict', first, `${folder}/*.bmp`])).toMatch(/No file matches/)
    await fail(['predict', first, at('second.onnx')], { code: 2 })
    await fail(['predict', first, images[0], '--csv', '--json'], { code: 2 })
    for (const flag of ['--heatmaps', '--heatmaps-dicom'])
      expect(await fail(['predict', first, first, images[0], flag, at('maps')], { code: 2 })).toMatch(
        /show what one model looked at/,
      )
    expect(await fail(['predict', first, at('first.safetensors'), images[0]])).toMatch(
      /once they are exported/,
    )
  })
})
