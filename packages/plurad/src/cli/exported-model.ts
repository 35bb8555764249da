/** Predictions of one .onnx file for samples, with variations of the images: without libtorch. */
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Sample } from '../data/dataset.js'
import { ImageLoader } from '../data/loader.js'
import { preprocessingOf } from '../data/preprocessing.js'
import { unreadableOf, warningsOf } from '../data/sample-notes.js'
import { assertImagesFit, sourceOf } from '../data/source.js'
import { countsPlain, meanScores, versionsOf, type VariationSpec } from '../data/variations/variation.js'
import { DataError } from '../errors.js'
import type { ModelInfo } from '../models/model-info.js'
import { printWarnings } from './notes.js'
import { bar, Progress } from './progress.js'

export interface ExportedJob {
  /** A .onnx file. */
  model: string
  samples: readonly Pick<Sample, 'image' | 'path' | 'also'>[]
  variations: readonly VariationSpec[]
  strict: boolean
  threads: number | null
}

export interface ExportedScores {
  info: ModelInfo
  /** [N] which of the samples could be read. */
  indices: number[]
  /** [N, C] before calibration. */
  scores: Float64Array
  /** [V] of the same for each variation. */
  varied: Float64Array[]
  unreadable: { image: string; reason: string }[]
  warnings: { image: string; reason: string }[]
}

const BATCH = 16

export async function scoreExported(job: ExportedJob): Promise<ExportedScores> {
  const { samples, variations, strict, threads } = job
  const [{ OnnxModel }, { openSession }] = await Promise.all([
    import('../predict/onnx-model.js'),
    import('../predict/node.js'),
  ])
  const content = await readFile(job.model).catch((error: unknown) => {
    throw new DataError(`${job.model} cannot be read: ${(error as Error).message}`, { cause: error })
  })
  const model = await OnnxModel.open(content, job.model, openSession, { threads, spin: false })
  const { info } = model
  const { size, channels, images, labels } = info
  assertImagesFit(samples, images, 'this model knows no more, take one that was trained with data.images {}')
  const loader = new ImageLoader({
    ...preprocessingOf(info),
    workers: Math.min(8, Math.max(1, availableParallelism() - 1)),
    cacheBytes: 0,
    strict,
  })
  const progress = new Progress({ quiet: samples.length <= BATCH })
  const indices: number[] = []
  const all = Array.from(
    { length: 1 + variations.length },
    () => new Float64Array(samples.length * labels.length),
  )
  try {
    const order = samples.map((_, i) => i)
    for await (const batch of loader.batches(samples.map(sourceOf), order, BATCH, { reuse: true })) {
      const { length } = batch.indices
      if (length === 0) continue
      const at = indices.length * labels.length
      const plain = await model.probabilities(batch.pixels, length)
      all[0].set(plain, at)
      for (const [v, spec] of variations.entries()) {
        const seen = countsPlain(spec) ? [plain] : []
        for await (const pixels of versionsOf(spec, { ...batch, size, channels }))
          seen.push(await model.probabilities(pixels, length))
        all[v + 1].set(meanScores(seen), at)
      }
      indices.push(...batch.indices)
      progress.update(
        `Predicting ${bar(indices.length / samples.length)} ${indices.length}/${samples.length}`,
      )
    }
    progress.clear()
    const warnings = warningsOf(samples, loader)
    printWarnings(warnings)
    const [scores, ...varied] = all.map((values) => values.slice(0, indices.length * labels.length))
    return { info, indices, scores, varied, unreadable: unreadableOf(samples, loader), warnings }
  } finally {
    await loader.close()
    await model.close()
  }
}
