/** Predictions of an exported model, for the command line: without libtorch. */
import { existsSync, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { splitReference } from '../data/formats/decode.js'
import { printWarnings } from './notes.js'
import type { Outcome } from './predict/results.js'
import { bar, Progress } from './progress.js'

/**
 * The .onnx file that a model argument stands for: itself, or that of a run folder. Null where there is none, and where
 * the run's weights are newer.
 */
export function findOnnxFile(location: string): string | null {
  if (location.endsWith('.onnx')) return location
  const exported = join(location, 'model.onnx')
  if (!existsSync(exported)) return null
  const weights = join(location, 'model.safetensors')
  if (!existsSync(weights) || statSync(weights).mtimeMs <= statSync(exported).mtimeMs) return exported
  process.stderr.write(
    `plurad: ${exported} is older than model.safetensors and left aside; plurad export ${location} writes it again.\n`,
  )
  return null
}

interface OnnxJob {
  /** .onnx files; of several, the mean of their probabilities. */
  models: readonly string[]
  images: readonly string[]
  threads: number | null
  strict: boolean
  /** Sets of views over which scores are averaged. */
  views: readonly string[]
}

/** Bytes of a file whose decoding takes so long that threads need not be weighed against it first. */
const LARGE = 2 ** 20

/** How many files tell how large they are. */
const LOOKED_AT = 16

async function areLarge(images: readonly string[]): Promise<boolean> {
  const some = images.slice(0, LOOKED_AT)
  const sizes = await Promise.all(
    some.map((image) =>
      stat(splitReference(image).path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0) >= LARGE * some.length
}

/** Predicts image files, with progress and warnings on stderr. */
export async function predictOnnx({ models, images, threads, strict, views }: OnnxJob): Promise<Outcome> {
  const { FilePredictor } = await import('../predict/node.js')
  const few = images.length <= 16
  const progress = new Progress({ quiet: few })
  const predictor = await FilePredictor.load(models, {
    threads,
    expecting: (await areLarge(images)) ? images.length : 0,
  })
  try {
    const findings = await predictor.predict(images, {
      strict,
      views,
      onProgress: (done, total) => {
        progress.update(`Predicting ${bar(done / total)} ${done}/${total}`)
      },
    })
    progress.clear()
    printWarnings(findings.warnings)
    return { ...findings, predictions: findings }
  } finally {
    await predictor.close()
  }
}
