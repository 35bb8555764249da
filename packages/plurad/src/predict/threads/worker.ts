/** A thread of `PredictionPool`: has the models to itself, in networks of one thread. */
import { workerData } from 'node:worker_threads'
import { PluradError } from '../../errors.js'
import { serveTasks } from '../../worker-tasks.js'
import type { Judged } from '../findings.js'
import { FilePredictor } from '../node.js'
import { BUSY, STOP, type PredictionTask, type PredictionThread } from './pool.js'

const { models, state } = workerData as PredictionThread

const predictor = load()
// A thread without models is none: those who wait are told why it ended.
predictor.catch((error: unknown) => {
  if (Atomics.load(state, STOP) === 0)
    setImmediate(() => {
      throw error
    })
})

serveTasks({
  async run({ samples, batchSize, strict, views }: PredictionTask): Promise<Judged> {
    const loaded = await predictor
    Atomics.add(state, BUSY, 1)
    try {
      assertWanted()
      const { indices, scores, outOfDistribution, unreadable, warnings } = await loaded.predict(samples, {
        ...{ batchSize, strict, views, workers: 0 },
        onProgress: assertWanted,
      })
      return { indices, scores, outOfDistribution, unreadable, warnings }
    } finally {
      isIdle()
    }
  },
  async onEnd() {
    await predictor.then(
      (loaded) => loaded.close(),
      () => undefined,
    )
  },
})

/** Counted as busy from the beginning. */
async function load(): Promise<FilePredictor> {
  try {
    assertWanted()
    // Native code takes no memory that is shared.
    const content = models.map((model) => new Uint8Array(model).slice())
    return await FilePredictor.load(content, { threads: 1 })
  } finally {
    isIdle()
  }
}

/** Between any two calls of native code, where the process can end. */
function assertWanted(): void {
  if (Atomics.load(state, STOP) !== 0) throw new PluradError('The prediction was stopped.')
}

function isIdle(): void {
  Atomics.sub(state, BUSY, 1)
  Atomics.notify(state, BUSY)
}
