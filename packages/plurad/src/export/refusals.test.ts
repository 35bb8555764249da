/** What is not written: a model that gives other numbers than its network, or loses more than is allowed. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { writeRandomModel } from '../../test/random-model.js'
import { generatePhantoms } from '../data/phantom/index.js'
import { ExportError } from '../errors.js'
import { decodeImage } from '../predict/node.js'
import { loadModel } from '../models/model-file.js'
import type * as Export from './export.js'
import * as classifier from './onnx/classifier.js'

vi.mock(import('./onnx/classifier.js'), async (original) => {
  const module = await original()
  return { ...module, convertClassifier: vi.fn(module.convertClassifier) }
})

const { exportModel } = await import('./export.js')
/** Threads that read images run built code only. */
const built = new URL('../../dist/export/export.js', import.meta.url)
const isBuilt = existsSync(built)

let folder: string
let images: string[]
let given: Export.ExportOptions

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plurad-refusals-'))
  await generatePhantoms(join(folder, 'data'), { count: 40, size: 64, seed: 3 })
  images = readdirSync(join(folder, 'data/images')).map((name) => join(folder, 'data/images', name))
  const decoded = await Promise.all(images.slice(0, 8).map((image) => decodeImage(image)))
  const { safetensors } = writeRandomModel(join(folder, 'model'), { images: decoded })
  given = { model: safetensors, out: join(folder, 'out.onnx'), format: 'onnx', threads: 1 }
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const judged = () => ({
  training: images,
  validation: images,
  validationLabels: images.map((_, i) => [i % 2, (i >> 1) % 2, (i >> 2) % 2] as (0 | 1)[]),
})

test.skipIf(!isBuilt).each(['float16', 'int8'] as const)(
  '%s, where it loses more than is allowed',
  async (name) => {
    const { exportModel: write } = (await import(built.href)) as typeof Export
    const out = join(folder, `${name}.onnx`)
    // More than any loss can be: the bound is what refuses, not the figures of this model.
    const refused = write({ ...given, out, precision: { name, images: judged(), maxAucLoss: -1 } })
    await expect(refused).rejects.toMatchObject({ name: 'ExportError' })
    await expect(refused).rejects.toThrow(/macro AUC/)
    expect(existsSync(out)).toBe(false)
    await write({ ...given, out, precision: { name, images: judged(), maxAucLoss: 1 } })
    expect(existsSync(out)).toBe(true)
  },
  60_000,
)

test('a graph that does not say what its network says', async () => {
  const { convertClassifier } = await vi.importActual<typeof classifier>('./onnx/classifier.js')
  const { model: another } = loadModel(writeRandomModel(join(folder, 'another'), { seed: 1 }).safetensors)
  vi.mocked(classifier.convertClassifier).mockImplementationOnce((_, info) =>
    convertClassifier(another, info),
  )
  const refused = exportModel(given)
  await expect(refused).rejects.toThrow(ExportError)
  await expect(refused).rejects.toThrow(/does not give the network's probabilities.*Nothing was written/)
  expect(existsSync(given.out)).toBe(false)
  await exportModel(given)
  expect(existsSync(given.out)).toBe(true)
})
