/** The same probabilities in training, in Node and in a browser. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generatePhantoms } from '../src/data/phantom/index.js'
import { fitKnownKind } from '../src/export/known-kind.js'
import { withMetadata } from '../src/export/onnx/metadata.js'
import { decodeImage, FilePredictor, openSession } from '../src/predict/node.js'
import { OnnxModel } from '../src/predict/onnx-model.js'
import { KNOWN_KIND_KEY } from '../src/predict/out-of-distribution.js'
import type { Findings } from '../src/predict/findings.js'
import {
  bundleForBrowser,
  launch,
  noBrowser,
  openPage,
  PageServer,
  type BrowserBundle,
  type Opened,
} from './browser.js'
import { plurad } from './cli.js'
import { coloured, writeRandomModel, type RandomModel } from './random-model.js'

/** What of a result travels from a page to here. */
type Result = Pick<Findings, 'labels' | 'images' | 'indices' | 'unreadable' | 'warnings'> & {
  scores: number[]
  outOfDistribution: Findings['outOfDistribution']
}

/** The page, and what it offers to tests. */
const PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>'
const PAGE_SCRIPT = `
import { Predictor } from './predict.js'
const plain = ({ labels, images, indices, scores, outOfDistribution, unreadable, warnings }) =>
  ({ labels, images, indices, scores: [...scores], outOfDistribution, unreadable, warnings })
window.predict = async (models, images, { threads, as = 'url', batchSize } = {}) => {
  const inputs = as === 'url' ? images : await Promise.all(images.map(async (url) => {
    const blob = await (await fetch(url)).blob()
    if (as === 'file') return new File([blob], url)
    return as === 'bytes' ? new Uint8Array(await blob.arrayBuffer()) : blob
  }))
  const predictor = await Predictor.load(models, { threads })
  const progress = []
  const found = await predictor.predict(inputs, { batchSize, onProgress: (done, total) => progress.push([done, total]) })
  await predictor.close()
  return { ...plain(found), progress }
}
window.predictInWorker = (...message) => new Promise((resolve, reject) => {
  const worker = new Worker('worker.js', { type: 'module' })
  worker.onmessage = ({ data }) => resolve(data)
  worker.onerror = ({ message }) => reject(new Error(message))
  worker.postMessage(message)
})
window.ready = true
`
const WORKER_SCRIPT = `
import { Predictor } from './predict.js'
onmessage = async ({ data: [models, images] }) => {
  const predictor = await Predictor.load(models)
  const { scores } = await predictor.predict(images)
  postMessage({ scores: [...scores] })
}
`

/** The page that the documentation shows, without a bundler. */
function documentedPage(): string {
  const text = readFileSync(fileURLToPath(new URL('../../../docs/export.md', import.meta.url)), 'utf8')
  const page = /```html\n(.*?)```/s.exec(text)?.[1] ?? ''
  expect(page.split('\n').length).toBeLessThan(40)
  expect(page).toContain("from 'plurad/predict'")
  return page.replace("from 'plurad/predict'", "from './predict.js'")
}

const shared = resolve(
  process.env.PLURAD_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
)
const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url))

/** PNG of every depth and colour, JPEG of every sampling, DICOM of every compression. */
function fixtureImages(): string[] {
  const pictures = readdirSync(join(fixtures, 'data/images')).filter((name) => /\.(png|jpg)$/.test(name))
  const files = readdirSync(join(fixtures, 'dicom/files'))
  const chosen = files.filter((name) => /^(plain12|rgb|monochrome1|deflated|palette8|big-endian)/.test(name))
  return [
    ...pictures.map((name) => join(fixtures, 'data/images', name)),
    ...chosen.map((name) => join(fixtures, 'dicom/files', name)),
  ]
}

/** Real radiographs, slices and photographs, where they are. */
function realImages(): string[] {
  const some = (folder: string, which: RegExp, count: number): string[] =>
    existsSync(join(shared, folder))
      ? readdirSync(join(shared, folder))
          .filter((name) => which.test(name))
          .slice(0, count)
          .map((name) => join(shared, folder, name))
      : []
  return [
    ...some('nih50-1024px/images', /png$/, 1),
    ...some('odir5k-224px/images', /jpg$/, 3),
    ...some('dicom/chest', /^(RG1_J2KI|Fake_MONOHR1)/, 2),
    ...some(
      'dicom/ct-transfer-syntaxes',
      /LittleEndianExplicit|JPEG2000Lossless|JPEGProcess14|JPEGLSLossless/,
      5,
    ),
  ]
}

let folder: string
let images: string[]
let models: Record<'grey' | 'colour', RandomModel>
let bundle: BrowserBundle

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-browser-'))
  const phantoms = join(folder, 'phantoms')
  await generatePhantoms(phantoms, { count: 3, size: 200, seed: 1 })
  const [first, second, third] = readdirSync(join(phantoms, 'images')).map((name) =>
    join(phantoms, 'images', name),
  )
  const deep = join(folder, 'deep.png')
  await sharp(first).toColourspace('grey16').linear(1, 77).png({ compressionLevel: 3 }).toFile(deep)
  const photograph = join(folder, 'photograph.jpg')
  await coloured(second).then((image) => image.jpeg({ quality: 83 }).toFile(photograph))
  images = [first, deep, photograph, third, ...fixtureImages(), ...realImages()]
  const decoded = await Promise.all(images.slice(0, 4).map((path) => decodeImage(path)))
  models = {
    grey: writeRandomModel(join(folder, 'grey'), { images: decoded }),
    colour: writeRandomModel(join(folder, 'colour'), {
      changes: { channels: 3, resize: 'letterbox', interpolation: 'bicubic', size: 96 },
      images: decoded,
      seed: 1,
    }),
  }
  await teach(models.grey.onnx)
  bundle = await bundleForBrowser()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Has the model know what phantoms look like. */
async function teach(path: string): Promise<void> {
  const content = readFileSync(path)
  const model = await OnnxModel.open(content, path, openSession, { threads: 1 })
  await generatePhantoms(join(folder, 'known'), { count: 36, size: 64, seed: 2 })
  const known = readdirSync(join(folder, 'known/images')).map((name) => join(folder, 'known/images', name))
  const [training, validation] = [known.slice(0, 24), known.slice(24)]
  const kind = await fitKnownKind(model, { training, validation }, { workers: 0 })
  await model.close()
  expect(kind).not.toBeNull()
  writeFileSync(path, withMetadata(content, KNOWN_KIND_KEY, JSON.stringify(kind)))
}

/** What a bundle may grow to, bytes after gzip: it is fetched by every visitor. */
const MOST_BYTES = 110_000

describe('the module graph of plurad/predict for browsers', () => {
  it('has nothing of Node and no native code', () => {
    expect(bundle.modules.length).toBeGreaterThan(20)
    expect(bundle.imports).toEqual([])
    const foreign = bundle.modules.filter((path) =>
      /^node:|__vite-browser-external|browser-external|[\\/]node_modules[\\/](sharp|@napi-rs|@img|onnxruntime-node|d3-dsv|@plurad)[\\/]|packages[\\/]torch[\\/]/.test(
        path,
      ),
    )
    expect(foreign).toEqual([])
    expect(bundle.code).not.toMatch(/["']node:[a-z_/]+["']/)
  })

  it('stays small, and names no server of its own', () => {
    expect(gzipSync(bundle.code).length).toBeLessThan(MOST_BYTES)
    expect(bundle.code).not.toMatch(/https?:\/\/(?!json-schema\.org|www\.w3\.org)[\w.-]*(jsdelivr|unpkg|cdn)/)
  })
})

describe.skipIf(noBrowser !== null)('Chromium', () => {
  let server: PageServer
  let browser: Browser
  /** Without the headers that threads need, and with them. */
  let one: Opened
  let two: Opened

  beforeAll(async () => {
    const content = new Map<string, string | Uint8Array>([
      ['page.html', PAGE],
      ['page.js', PAGE_SCRIPT],
      ['worker.js', WORKER_SCRIPT],
      ['predict.js', bundle.code],
      ['documented.html', documentedPage()],
      ['model.onnx', readFileSync(models.grey.onnx)],
      ...images.map((path) => [basename(path), readFileSync(path)] as const),
      ...Object.entries(models).map(([name, { onnx }]) => [`${name}.onnx`, readFileSync(onnx)] as const),
      ['cut.dcm', readFileSync(join(fixtures, 'dicom/files/plain12-j2k.dcm')).subarray(0, 600)],
      ['page.png', 'this is no image'],
    ])
    server = await PageServer.start(content)
    browser = await launch()
    ;[one, two] = await Promise.all([open('plain'), open('isolated')])
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  const open = async (area: 'plain' | 'isolated') => {
    const opened = await openPage(browser, server.url(area, 'page.html'))
    await opened.page.waitForFunction('window.ready')
    return opened
  }
  const predict = (page: Page, ...args: unknown[]): Promise<Result & { progress: number[][] }> =>
    page.evaluate(
      (given) =>
        (globalThis as unknown as { predict: (...all: unknown[]) => Promise<never> }).predict(...given),
      args,
    )

  it.each(['grey', 'colour'] as const)(
    'gives the probabilities of training and of Node, with one thread and with two: %s model',
    async (name) => {
      const model = models[name]
      const given = name === 'grey' ? images : images.filter((path) => /rgb|palette|grey16|jpg$/.test(path))
      const names = given.map((path) => basename(path))
      const training = await trainingScores(model.safetensors, given)
      const predictor = await FilePredictor.load(model.onnx)
      const node = await predictor.predict(given, { workers: 0 })
      await predictor.close()
      const single = await predict(one.page, [`${name}.onnx`], names)
      const double = await predict(two.page, [`${name}.onnx`], names, { threads: 2 })
      expect(await one.page.evaluate('crossOriginIsolated')).toBe(false)
      expect(await two.page.evaluate('crossOriginIsolated')).toBe(true)
      expect(one.page.workers()).toHaveLength(0)
      expect(two.page.workers().length).toBeGreaterThan(0)

      expect(spreadOf(training.scores, model.info.labels.length)).toBeGreaterThan(0.3)
      expect(node.outOfDistribution === null).toBe(name === 'colour')
      expect(node.images).toEqual(training.images)
      expect(largestDifference(node.scores, training.scores)).toBeLessThan(1e-4)
      for (const result of [single, double]) {
        expect(result.labels).toEqual(node.labels)
        expect(result.indices).toEqual(node.indices)
        expect(result.images).toEqual(node.images.map((path) => basename(path)))
        expect(largestDifference(result.scores, node.scores)).toBeLessThan(1e-4)
        expect(largestDifference(result.scores, training.scores)).toBeLessThan(1e-4)
        expect(result.outOfDistribution?.length).toBe(node.outOfDistribution?.length)
        node.outOfDistribution?.forEach(({ score, percentile }, i) => {
          expect(result.outOfDistribution?.[i].score).toBeCloseTo(score, 3)
          expect(result.outOfDistribution?.[i].percentile).toBeCloseTo(percentile, 0)
        })
        expect(result.warnings.map(({ index }) => index)).toEqual(node.warnings.map(({ index }) => index))
        expect(result.unreadable.map(({ index }) => index)).toEqual(node.unreadable.map(({ index }) => index))
      }
      expect([...one.errors, ...two.errors]).toEqual([])
    },
    120_000,
  )

  it('takes files, blobs and bytes, lists what it cannot read, and tells of progress', async () => {
    const { page, errors } = one
    const names = images.slice(0, 3).map((path) => basename(path))
    const expected = await predict(page, ['grey.onnx'], names)
    for (const as of ['file', 'blob', 'bytes']) {
      const found = await predict(page, ['grey.onnx'], names, { as })
      expect(found.scores, as).toEqual(expected.scores)
      expect(found.images).toEqual(as === 'file' ? names : ['image 1', 'image 2', 'image 3'])
    }
    const mixed = [names[0], 'cut.dcm', names[1], 'page.png', 'missing.png']
    const found = await predict(page, ['grey.onnx'], mixed, { batchSize: 2 })
    expect(found.indices).toEqual([0, 2])
    expect(found.unreadable).toEqual([
      {
        image: 'cut.dcm',
        index: 1,
        reason: expect.stringMatching(/^cut\.dcm: damaged or cut-off DICOM/) as string,
      },
      { image: 'page.png', index: 3, reason: expect.stringMatching(/not an image we can read/) as string },
      {
        image: 'missing.png',
        index: 4,
        reason: expect.stringMatching(/cannot be fetched: HTTP 404/) as string,
      },
    ])
    expect(found.progress).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ])
    // The browser itself reports the missing file.
    expect(errors.filter((error) => !error.includes('404'))).toEqual([])
  })

  it('works as documented, and in a worker', async () => {
    const { page, context } = await openPage(browser, server.url('free', 'documented.html'))
    const files = [...images.slice(0, 2), join(fixtures, 'dicom/files/plain12-j2k.dcm')]
    await page.locator('input:enabled').setInputFiles(files)
    await page.waitForFunction("document.querySelectorAll('h2').length === 3")
    const shown = await page.locator('h2, div p').allInnerTexts()
    await context.close()
    const predictor = await FilePredictor.load(models.grey.onnx)
    const { labels, scores } = await predictor.predict(files)
    await predictor.close()
    const expected = files.flatMap((file, row) => [
      basename(file),
      ...labels.map((label, i) => `${label}: ${(100 * scores[3 * row + i]).toFixed(1)} %`),
    ])
    expect(shown.filter((line) => !line.startsWith('Unlike'))).toEqual(expected)

    const names = images.slice(0, 3).map((path) => basename(path))
    const onPage = await predict(one.page, ['grey.onnx'], names)
    const inWorker = await one.page.evaluate<{ scores: number[] }>(
      `predictInWorker(['grey.onnx'], ${JSON.stringify(names)})`,
    )
    expect(inWorker.scores).toEqual(onPage.scores)
  })

  it('says what is wrong with a model and where its own files should be', async () => {
    const { page, context } = await open('plain')
    await expect(predict(page, ['missing.onnx'], [])).rejects.toThrow(
      /missing\.onnx cannot be fetched: HTTP 404/,
    )
    await expect(predict(page, ['page.png'], [])).rejects.toThrow(/page\.png cannot be read: the file is/)
    const lost = page.evaluate(
      "import('./predict.js').then(({ Predictor }) => Predictor.load('grey.onnx', { wasmPaths: 'elsewhere' }))",
    )
    await expect(lost).rejects.toThrow(
      /cannot be started from \S+elsewhere\/ort-wasm-simd-threaded\.mjs.*wasmPaths/,
    )
    await context.close()
  })
})

/** What the training pipeline says of image files; those that it cannot read are left out. */
async function trainingScores(
  model: string,
  files: readonly string[],
): Promise<{ images: string[]; scores: number[] }> {
  const { stdout } = await plurad(['predict', model, ...files, '--json'])
  const results = JSON.parse(stdout) as { image: string; findings?: { probability: number }[] }[]
  const read = results.filter(({ findings }) => findings !== undefined)
  return {
    images: read.map(({ image }) => image),
    scores: read.flatMap(({ findings = [] }) => findings.map(({ probability }) => probability)),
  }
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  expect(a.length).toBeGreaterThan(0)
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])))
}

/** The smallest span of a label's probabilities over the images. */
function spreadOf(scores: readonly number[], labels: number): number {
  const spans = Array.from({ length: labels }, (_none, label) => {
    const column = scores.filter((_, at) => at % labels === label)
    return Math.max(...column) - Math.min(...column)
  })
  return Math.min(...spans)
}
