/**
 * Many files at once: threads that each have the models, in networks of one thread, and take what is next. Two networks of
 * one thread get more done than one of two, whose threads wait for each other at every layer and while a file is decoded.
 */
import { statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ImageSource } from '../data/source.js'
import { filesOf } from '../data/source.js'
import { WorkerPool } from '../worker-pool.js'
import type { Judged, SampleNote } from './findings.js'
import type { FileInput } from './inputs.js'
import type { PredictOptions } from './predictor.js'

/** From where a thread takes a model that the main thread has loaded. */
export interface ModelSource {
  /** A path, with what the file was; or the content itself. */
  from: { path: string; size: number; modified: number } | Uint8Array
  /** Of the content. */
  bytes: number
}

/** What a thread is given to do. */
export interface PredictionTask {
  samples: readonly ImageSource[]
  batchSize: number | undefined
  strict: boolean | undefined
}

/** Samples of a task at most: progress is told after each. */
const MOST = 16

/** Threads beyond wait for memory more than they compute. */
const MOST_THREADS = 16

/** Part of the machine's memory that copies of the models may take. */
const MEMORY_SHARE = 0.25

/** @param content of the file */
export function sourceOf(model: FileInput, content: Uint8Array): ModelSource {
  const bytes = content.length
  const path =
    typeof model === 'string'
      ? model
      : model instanceof URL && model.protocol === 'file:'
        ? fileURLToPath(model)
        : null
  if (path === null) return { from: content, bytes }
  const { size, mtimeMs: modified } = statSync(path)
  return { from: { path, size, modified }, bytes }
}

/** How many threads to predict with; 0 where one would be alone. */
export function threadsFor(models: readonly ModelSource[], threads: number): number {
  const bytes = models.reduce((sum, model) => sum + model.bytes, 0)
  const count = Math.min(threads, MOST_THREADS, Math.floor((MEMORY_SHARE * totalmem()) / bytes))
  return count < 2 ? 0 : count
}

export class PredictionPool {
  readonly #pool: WorkerPool<PredictionTask, Judged>
  readonly #models: number

  constructor(threads: number, models: readonly ModelSource[]) {
    this.#models = models.length
    this.#pool = new WorkerPool(threads, {
      script: new URL('./prediction-worker.js', import.meta.url),
      data: models.map(({ from }) => from),
      name: 'Prediction thread',
      describe: ({ samples }) => {
        const [file] = samples.flatMap(filesOf)
        return `${file ?? 'nothing'} and ${samples.length - 1} more samples to predict`
      },
      advice: 'Run again with one thread to see which file does it, or with fewer threads if memory ran out.',
    })
  }

  get size(): number {
    return this.#pool.size
  }

  /** @throws DataError for the first sample that cannot be read, when strict */
  async judge(
    samples: readonly ImageSource[],
    { batchSize, strict, onProgress }: PredictOptions,
  ): Promise<Judged> {
    const parts: JudgedPart[] = []
    let next = 0
    let done = 0
    const takeOn = async (): Promise<void> => {
      while (next < samples.length) {
        const start = next
        // Ever fewer, so that all threads end at about the same time.
        next += Math.min(MOST, Math.ceil((samples.length - start) / (4 * this.size)))
        const some = samples.slice(start, next)
        try {
          parts.push({ start, judged: await this.#pool.run({ samples: some, batchSize, strict }) })
        } catch (error) {
          next = samples.length
          throw error
        }
        done += some.length
        onProgress?.(done * this.#models, samples.length * this.#models)
      }
    }
    // Each to its end, so that no thread is still at work when the error of another is told.
    const ends = await Promise.allSettled(Array.from({ length: this.size }, takeOn))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    return joined(parts.sort((a, b) => a.start - b.start))
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}

/** What is known of some of the samples: those from `start` on. */
export interface JudgedPart {
  start: number
  judged: Judged
}

/** One after the other, with positions among all samples. */
export function joined(parts: readonly JudgedPart[]): Judged {
  const scores = new Float64Array(parts.reduce((sum, { judged }) => sum + judged.scores.length, 0))
  let at = 0
  for (const { judged } of parts) {
    scores.set(judged.scores, at)
    at += judged.scores.length
  }
  const notes = (of: 'unreadable' | 'warnings'): SampleNote[] =>
    parts.flatMap(({ start, judged }) => judged[of].map((note) => ({ ...note, index: note.index + start })))
  const distances = parts
    .filter(({ judged }) => judged.indices.length > 0)
    .map(({ judged }) => judged.outOfDistribution)
  const known = distances.filter((each) => each !== null)
  return {
    indices: parts.flatMap(({ start, judged }) => judged.indices.map((index) => index + start)),
    scores,
    outOfDistribution: known.length === distances.length && known.length > 0 ? known.flat() : null,
    unreadable: notes('unreadable'),
    warnings: notes('warnings'),
  }
}
