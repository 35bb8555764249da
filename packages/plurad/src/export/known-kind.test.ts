import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeRandomModel } from '../../test/random-model.js'
import { generatePhantoms } from '../data/phantom/index.js'
import { Random } from '../data/random.js'
import { DataError } from '../errors.js'
import { FilePredictor, openSession } from '../predict/node.js'
import { OnnxModel } from '../predict/onnx-model.js'
import {
  KNOWN_KIND_KEY,
  KnownKind,
  meanOutOfDistribution,
  poolFeatures,
} from '../predict/out-of-distribution.js'
import { fitKnownKind, knownKindOf } from './known-kind.js'
import { withMetadata } from './onnx/metadata.js'
import { principalAxes } from './principal-axes.js'

/** Made by test/fixtures/known-kind/make.py: what scikit-learn says. */
const expected = JSON.parse(
  readFileSync(
    fileURLToPath(new URL('../../test/fixtures/known-kind/known-kind.json', import.meta.url)),
    'utf8',
  ),
) as {
  training: number[][]
  validation: number[][]
  other: number[][]
  variances: number[]
  distances: number[]
  percentiles: number[]
}
const vectors = (rows: readonly number[][]): Float64Array[] => rows.map((row) => Float64Array.from(row))

describe('the Mahalanobis distance', () => {
  const file = knownKindOf(vectors(expected.training), vectors(expected.validation))
  const kind = new KnownKind(file)

  it('is that of scikit-learn, up to the single precision of the file', () => {
    expect(file.variances).toHaveLength(expected.variances.length)
    file.variances.forEach((variance, i) => expect(variance / expected.variances[i]).toBeCloseTo(1, 6))
    expected.other.forEach((features, i) =>
      expect(kind.distance(features) / expected.distances[i]).toBeCloseTo(1, 4),
    )
    file.percentiles.forEach((distance, i) => expect(distance / expected.percentiles[i]).toBeCloseTo(1, 4))
  })

  it('has its place among the validation images', () => {
    const { percentiles } = file
    expect(kind.judge(percentiles[50])).toEqual({ score: percentiles[50] / percentiles[99], percentile: 50 })
    expect(kind.judge((percentiles[98] + percentiles[99]) / 2).percentile).toBeCloseTo(98.5, 10)
    expect(kind.judge(0)).toEqual({ score: 0, percentile: 0 })
    expect(kind.judge(percentiles[100] + 1).percentile).toBe(100)
  })

  it('of several models is the mean, and of some that do not say nothing', () => {
    const [a, b] = [
      { score: 0.5, percentile: 40 },
      { score: 1.5, percentile: 100 },
    ]
    expect(meanOutOfDistribution([a, b])).toEqual({ score: 1, percentile: 70 })
    expect(meanOutOfDistribution([a, null])).toBeNull()
  })

  it('survives its file, which is refused where it is damaged', () => {
    const text = JSON.stringify(file)
    expect(KnownKind.parse(text, 'x.onnx')?.distance(expected.other[0])).toBe(
      kind.distance(expected.other[0]),
    )
    expect(KnownKind.parse(undefined, 'x.onnx')).toBeNull()
    const damaged = [
      text.slice(9),
      JSON.stringify({ ...file, mean: 'AAAA' }),
      JSON.stringify({ ...file, axes: '*' }),
    ]
    for (const one of damaged) expect(() => KnownKind.parse(one, 'x.onnx')).toThrow(DataError)
  })
})

describe('principal axes', () => {
  it('are found among hundreds of directions', () => {
    const random = new Random(3)
    const axis = Float64Array.from({ length: 300 }, () => random.normal())
    const length = Math.hypot(...axis)
    // Deviation 5 along one direction, 0.1 along all.
    const points = Array.from({ length: 200 }, () => {
      const along = (5 * random.normal()) / length
      return axis.map((value) => value * along + 0.1 * random.normal())
    })
    const { axes, variances, rest } = principalAxes(points, 3)
    expect(Math.abs(axes[0].reduce((sum, value, i) => sum + (value * axis[i]) / length, 0))).toBeGreaterThan(
      0.999,
    )
    expect(variances[0]).toBeGreaterThan(18)
    expect(variances[0]).toBeLessThan(33)
    expect(variances[1]).toBeLessThan(0.1)
    expect(rest).toBeCloseTo(0.01, 3)
  })

  it('are fewer where the points lie in fewer directions', () => {
    const points = [1, 2, 4, 8, 9].map((value) => Float64Array.from([value, 2 * value, 0]))
    const { axes, variances, rest } = principalAxes(points, 2)
    expect(axes).toHaveLength(1)
    expect(rest).toBeCloseTo(0, 10)
    // Of 1, 2, 4, 8, 9 the variance is 12.7, five times that along (1, 2).
    expect(variances[0]).toBeCloseTo(63.5, 8)
  })
})

it('pools a map by its mean over positions', () => {
  expect([...poolFeatures([1, 2, 3, 6, 0, 0, 5, 5], 2, 2)]).toEqual([1.5, 4.5, 0, 5])
})

describe('a model that has seen phantoms', () => {
  let folder: string
  let onnx: string
  let images: string[]
  let others: string[]

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'plurad-kind-'))
    await generatePhantoms(join(folder, 'data'), { count: 60, size: 64, seed: 1 })
    images = readdirSync(join(folder, 'data/images')).map((name) => join(folder, 'data/images', name))
    onnx = writeRandomModel(join(folder, 'model')).onnx
    others = await Promise.all(
      [0, 1, 2, 3].map(async (i) => {
        const random = new Random(i)
        const noise = Uint8Array.from({ length: 64 * 64 }, () => random.integer(256))
        const path = join(folder, `noise${i}.png`)
        await sharp(noise, { raw: { width: 64, height: 64, channels: 1 } })
          .png()
          .toFile(path)
        return path
      }),
    )
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Worker threads run built code only. */
  const here = { workers: 0 }
  const open = async (path: string) => OnnxModel.open(readFileSync(path), path, openSession, { threads: 1 })

  it('tells noise from them, in the file that was written', async () => {
    const model = await open(onnx)
    const file = await fitKnownKind(
      model,
      {
        training: images.slice(0, 30),
        validation: images.slice(30, 50),
      },
      here,
    )
    await model.close()
    expect(file).toMatchObject({ training: 30, validation: 20 })
    const taught = join(folder, 'taught.onnx')
    writeFileSync(taught, withMetadata(readFileSync(onnx), KNOWN_KIND_KEY, JSON.stringify(file)))
    const predictor = await FilePredictor.load(taught)
    const { outOfDistribution, scores } = await predictor.predict([...images.slice(50), ...others], {
      workers: 0,
    })
    const plain = await FilePredictor.load(onnx)
    const without = await plain.predict([...images.slice(50), ...others], { workers: 0 })
    await Promise.all([predictor.close(), plain.close()])
    expect(without.outOfDistribution).toBeNull()
    expect([...scores]).toEqual([...without.scores])
    const [known, foreign] = [outOfDistribution?.slice(0, 10) ?? [], outOfDistribution?.slice(10) ?? []]
    expect(known.filter(({ percentile }) => percentile < 95).length).toBeGreaterThan(5)
    for (const { score, percentile } of foreign) {
      expect(percentile).toBe(100)
      expect(score).toBeGreaterThan(1.5)
    }
  })

  it('is not fitted to a handful', async () => {
    const model = await open(onnx)
    expect(
      await fitKnownKind(model, { training: images.slice(0, 19), validation: images.slice(30) }, here),
    ).toBeNull()
    const missing = images.slice(0, 30).map((path) => `${path}.missing`)
    expect(await fitKnownKind(model, { training: missing, validation: images.slice(30) }, here)).toBeNull()
    await model.close()
  })
})
