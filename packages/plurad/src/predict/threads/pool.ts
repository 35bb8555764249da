/**
 * Many files at once: threads that each have the models, in networks of one thread, and take what is next. Two networks of
 * one thread get more done than one of two, whose threads wait for each other at every layer and while a file is decoded.
 */
import { totalmem } from 'node:os'
import { filesOf, type ImageSource } from '../../data/source.js'
import { WorkerPool } from '../../worker-pool.js'
import type { Judged, SampleNote } from '../findings.js'
import type { PredictOptions } from '../predictor.js'

/** What a thread is given when it starts. */
export interface PredictionThread {
  /** Content of .onnx files, in memory that all threads read. */
  models: readonly SharedArrayBuffer[]
  state: Int32Array
}

/** What a thread is given to do. */
export interface PredictionTask {
  samples: readonly ImageSource[]
  batchSize: number | undefined
  strict: boolean | undefined
  views: readonly string[] | undefined
}

/** Places in `state`: not 0 once nobody wants anything any more; threads that are at work or load their models. */
export const [STOP, BUSY] = [0, 1]

/** Samples of a task at most: progress is told after each. */
const MOST = 16

/** Threads beyond wait for memory more than they compute. */
const MOST_THREADS = 16

/** Part of the memory that copies of the models may take. */
const MEMORY_SHARE = 0.25

/** Ending the process within native code would be a crash: it waits so long for the threads, milliseconds. */
const LONGEST_WAIT = 10_000

/** How many threads to predict with; 0 where one would be alone. */
export function threadsFor(modelBytes: number, threads: number): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Infinity)
  const count = Math.min(threads, MOST_THREADS, Math.floor((MEMORY_SHARE * memory) / modelBytes))
  return count < 2 ? 0 : count
}

export class PredictionPool {
  readonly #pool: WorkerPool<PredictionTask, Judged>
  readonly #models: number
  readonly #state = new Int32Array(new SharedArrayBuffer(8))
  /** Calls of `judge` that have not returned. */
  #calls = 0
  #isRetired = false

  /** @param models content of .onnx files */
  constructor(threads: number, models: readonly Uint8Array[]) {
    this.#models = models.length
    Atomics.store(this.#state, BUSY, threads)
    this.#pool = new WorkerPool(threads, {
      script: new URL('./worker.js', import.meta.url),
      data: { models: models.map(shared), state: this.#state } satisfies PredictionThread,
      name: 'Prediction thread',
      describe: ({ samples }) => {
        const [file] = samples.flatMap(filesOf)
        return `${file ?? 'nothing'} and ${samples.length - 1} more samples to predict`
      },
      advice: 'Run again with one thread to see which file does it, or with fewer threads if memory ran out.',
    })
    if (running.size === 0) process.on('exit', awaitThreads)
    running.add(this.#state)
  }

  get size(): number {
    return this.#pool.size
  }

  /** Whether it can be used. */
  get isWhole(): boolean {
    return !this.#pool.isBroken && !this.#isRetired
  }

  /**
   * @throws DataError for the first sample that cannot be read, when strict
   * @throws PluradError where a thread dies or the pool is ended
   */
  async judge(
    samples: readonly ImageSource[],
    { batchSize, strict, views, onProgress }: PredictOptions,
  ): Promise<Judged> {
    const parts: JudgedPart[] = []
    const failures: { start: number; error: unknown }[] = []
    let next = 0
    let done = 0
    const takeOn = async (): Promise<void> => {
      while (next < samples.length) {
        const start = next
        // Ever fewer, so that all threads end at about the same time.
        next += Math.min(MOST, Math.ceil((samples.length - start) / (4 * this.size)))
        const some = samples.slice(start, next)
        try {
          parts.push({ start, judged: await this.#pool.run({ samples: some, batchSize, strict, views }) })
          done += some.length
          onProgress?.(done * this.#models, samples.length * this.#models)
        } catch (error) {
          failures.push({ start, error })
          next = samples.length
        }
      }
    }
    this.#calls++
    try {
      // Each to its end: the first failure in the order of the samples is the one to tell.
      await Promise.all(Array.from({ length: this.size }, takeOn))
    } finally {
      this.#calls--
      if (!this.isWhole) this.retire()
    }
    const [first] = failures.sort((a, b) => a.start - b.start)
    if (first !== undefined) throw first.error
    return joined(parts.sort((a, b) => a.start - b.start))
  }

  /** Ends the threads once the calls under way have returned. */
  retire(): void {
    this.#isRetired = true
    if (this.#calls === 0) void this.end()
  }

  /** Ends the threads after the samples that they have begun; the calls under way are rejected. */
  async end(): Promise<void> {
    this.#isRetired = true
    Atomics.store(this.#state, STOP, 1)
    await this.#pool.end()
    running.delete(this.#state)
    if (running.size === 0) process.off('exit', awaitThreads)
  }
}

/** The states of all pools that have not ended. */
const running = new Set<Int32Array>()

function awaitThreads(): void {
  const until = performance.now() + LONGEST_WAIT
  for (const state of running) Atomics.store(state, STOP, 1)
  for (const state of running) {
    for (let busy = Atomics.load(state, BUSY); busy > 0; busy = Atomics.load(state, BUSY)) {
      const left = until - performance.now()
      if (left <= 0) return
      Atomics.wait(state, BUSY, busy, left)
    }
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

/** A copy in memory that threads share. */
function shared(content: Uint8Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(content.length)
  new Uint8Array(memory).set(content)
  return memory
}
