/** A thread of `PredictionPool`: has the models to itself, in networks of one thread. */
import { statSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { DataError } from '../errors.js'
import { serveTasks } from '../worker-tasks.js'
import type { Judged } from './findings.js'
import { FilePredictor } from './node.js'
import type { ModelSource, PredictionTask } from './prediction-pool.js'

const predictor = (async () =>
  FilePredictor.load((workerData as ModelSource['from'][]).map(inputOf), { threads: 1 }))()
// Told to whoever asks for a prediction.
predictor.catch(() => undefined)

serveTasks({
  async run({ samples, batchSize, strict }: PredictionTask): Promise<Judged> {
    const { indices, scores, outOfDistribution, unreadable, warnings } = await (
      await predictor
    ).predict(samples, { batchSize, strict, workers: 0 })
    return { indices, scores, outOfDistribution, unreadable, warnings }
  },
})

function inputOf(from: ModelSource['from']): string | Uint8Array {
  if (from instanceof Uint8Array) return from
  const { path, size, modified } = from
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.size !== size || stat.mtimeMs !== modified)
    throw new DataError(`${path} has changed since it was loaded. Load it again.`)
  return path
}
