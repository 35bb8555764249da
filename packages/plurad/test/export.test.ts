/** From a trained run to an exported model and its predictions, which need no libtorch. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runImages } from '../src/cli/run-images.js'
import { decodeImage } from '../src/data/formats/decode.js'
import { FilePredictor } from '../src/predict/node.js'
import { readOnnxMetadata } from '../src/predict/onnx-metadata.js'
import { WireWriter } from '../src/export/onnx/wire.js'
import { fail, makeWorkplace, plurad, sets, succeed, type Workplace } from './cli.js'

let here: Workplace
let run: string
let onnx: string
let images: string[]

/** Where there is no addon: whatever loads libtorch fails. */
const withoutLibtorch = { env: { PLURAD_TORCH_BUILD: '/nowhere/current.json' } }

interface Result {
  image: string
  error?: string
  findings?: { label: string; probability: number; threshold: number | null }[]
}

const resultsOf = (stdout: string): Result[] => JSON.parse(stdout) as Result[]
const probabilitiesOf = (results: Result[]): number[] =>
  results.flatMap(({ findings = [] }) => findings.map(({ probability }) => probability))

function largestDifference(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length)
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])))
}

beforeAll(async () => {
  here = await makeWorkplace()
  run = here.path('run')
  onnx = here.path('exported.onnx')
  const folder = join(here.data, 'images')
  images = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
  await succeed([
    ...['train', here.recipe, '--data', here.data, '--out', run],
    ...sets('training.epochs=1', 'model.backbone=guita_cnn'),
  ])
  await succeed(['export', run, '--out', onnx])
}, 120_000)
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

describe('an exported model', () => {
  it('says what it is, as the weights file does', () => {
    const weights = readFileSync(join(run, 'model.safetensors'))
    const header = JSON.parse(weights.subarray(8, 8 + Number(weights.readBigUInt64LE(0))).toString()) as {
      __metadata__: { plurad: string }
    }
    const info = readOnnxMetadata(readFileSync(onnx)).get('plurad') ?? ''
    expect(JSON.parse(info)).toEqual(JSON.parse(header.__metadata__.plurad))
  })

  it('gives what libtorch gives, for files of any number, without libtorch', async () => {
    const weights = here.path('weights.safetensors')
    await succeed(['export', run, '--format', 'safetensors', '--out', weights])
    const expected = await succeed(['predict', weights, ...images, '--json'])
    const actual = await succeed(['predict', onnx, ...images, '--json'], withoutLibtorch)
    const [torch, runtime] = [resultsOf(expected.stdout), resultsOf(actual.stdout)]
    expect(runtime.map(({ image }) => image)).toEqual(images)
    expect(largestDifference(probabilitiesOf(torch), probabilitiesOf(runtime))).toBeLessThan(1e-4)
    expect(new Set(probabilitiesOf(runtime)).size).toBeGreaterThan(images.length)
    expect(runtime[0].findings?.map(({ threshold }) => threshold)).toEqual(
      torch[0].findings?.map(({ threshold }) => threshold),
    )
    // More than 16 files are decoded in threads there. Here they are not, and then not even files: the same numbers.
    const predictor = await FilePredictor.load(onnx)
    try {
      const { scores } = await predictor.predict(images, { batchSize: 5, workers: 0 })
      expect(largestDifference([...scores], probabilitiesOf(runtime))).toBeLessThan(1e-6)
      const decoded = await Promise.all(images.slice(0, 3).map((image) => decodeImage(image)))
      const direct = await predictor.predictDecoded(decoded)
      expect(largestDifference([...direct], [...scores.slice(0, direct.length)])).toBeLessThan(1e-6)
    } finally {
      await predictor.close()
    }
  })

  it('records damaged files and goes on; with --strict it stops', async () => {
    const damaged = here.path('damaged.png')
    writeFileSync(damaged, readFileSync(images[0]).subarray(0, 200))
    const args = ['predict', onnx, images[0], damaged, images[1]]
    const { code, stdout, stderr } = await plurad([...args, '--json'], withoutLibtorch)
    expect(code).toBe(1)
    expect(stderr).toContain('1 of 3 images could not be read')
    const results = resultsOf(stdout)
    expect(results.filter(({ findings }) => findings).map(({ image }) => image)).toEqual([
      images[0],
      images[1],
    ])
    expect(results.find(({ image }) => image === damaged)?.error).toMatch(/damaged/)
    expect(await fail([...args, '--strict'], withoutLibtorch)).toContain('damaged.png')
  })

  it('in a run folder is what predicts there, unless the weights are newer', async () => {
    const inRun = join(run, 'model.onnx')
    const expected = await succeed(['predict', run, images[0], '--json'])
    copyFileSync(onnx, inRun)
    const args = ['predict', run, images[0], '--json']
    const actual = await succeed(args, withoutLibtorch)
    const both = [expected, actual].map(({ stdout }) => probabilitiesOf(resultsOf(stdout)))
    expect(largestDifference(both[0], both[1])).toBeLessThan(1e-4)
    utimesSync(inRun, 1, 1)
    const { stdout, stderr } = await succeed(args)
    expect(stderr).toContain('older than model.safetensors')
    expect(resultsOf(stdout)).toEqual(resultsOf(expected.stdout))
    rmSync(inRun)
  })

  it('joins others in an ensemble: the mean of their probabilities', async () => {
    const single = await FilePredictor.load(onnx)
    const twice = await FilePredictor.load([onnx, onnx])
    try {
      const [one, two] = [await single.predict(images.slice(0, 4)), await twice.predict(images.slice(0, 4))]
      expect([...two.scores]).toEqual([...one.scores])
      expect(two.info.thresholds.every((threshold) => threshold === null)).toBe(true)
    } finally {
      await single.close()
      await twice.close()
    }
  })

  it('is refused where it has no description, is cut off or is missing', async () => {
    const whole = readFileSync(onnx)
    const [bare, cut] = [here.path('bare.onnx'), here.path('cut.onnx')]
    writeFileSync(bare, new WireWriter().int(1, 8).message(7, new WireWriter().string(2, 'empty')).finish())
    writeFileSync(cut, whole.subarray(0, whole.length - 1000))
    const messages = {
      [bare]: /no description/,
      [cut]: /cut off/,
      [here.path('none.onnx')]: /cannot be read/,
    }
    for (const [file, message] of Object.entries(messages))
      expect(await fail(['predict', file, images[0]], withoutLibtorch)).toMatch(message)
  })
})

describe('plurad export', () => {
  it('refuses wrong usage with exit code 2', async () => {
    await fail(['export', run, '--format', 'tflite'], { code: 2 })
    await fail(['export', run, '--out', here.path('model.bin')], { code: 2 })
    await fail(['export', run, '--format', 'safetensors'], { code: 2 })
    await fail(['export', run, '--threads', 'many'], { code: 2 })
  })

  it('leaves no file where there is no model', async () => {
    const out = here.path('nothing.onnx')
    expect(await fail(['export', here.path('nowhere'), '--out', out])).toContain('neither a model file')
    expect(existsSync(out)).toBe(false)
  })

  it('looks at the images of the run, where there are enough of them and they are still there', async () => {
    const [out, moved] = [here.path('noted.onnx'), here.path('moved')]
    const of = (split: string) =>
      readFileSync(join(run, 'split.csv'), 'utf8').match(new RegExp(`,${split},`, 'g'))?.length
    expect(await runImages(run)).toMatchObject({
      training: { length: of('train') },
      validation: { length: of('val') },
    })
    expect((await succeed(['export', run, '--out', out])).stderr).toMatch(
      /will not tell images of another kind than its own: it has too few images/,
    )
    expect((await succeed(['export', run, '--out', out, '--no-ood'])).stderr).toBe('')
    renameSync(here.data, moved)
    try {
      expect((await succeed(['export', run, '--out', out])).stderr).toMatch(
        /another kind than its own: .*no such/,
      )
    } finally {
      renameSync(moved, here.data)
    }
    const weights = join(run, 'model.safetensors')
    expect(await runImages(weights)).toEqual({ reason: `${weights} is no run folder` })
  })

  it('says for scripts what it wrote', async () => {
    const { stdout } = await succeed(['export', run, '--out', here.path('again.onnx'), '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      file: here.path('again.onnx'),
      format: 'onnx',
      bytes: readFileSync(onnx).length,
      outputs: ['logits', 'probabilities', 'features'],
    })
    expect(readFileSync(here.path('again.onnx')).equals(readFileSync(onnx))).toBe(true)
  })
})
