/** Worker threads that all do the same, and what each of them has to do. The threads' side is `worker-tasks.ts`. */
import { Worker } from 'node:worker_threads'
import { DataError, PluradError } from './errors.js'
import type { EndMessage, TaskMessage, TaskResult } from './worker-tasks.js'

export interface WorkerPoolOptions<Task> {
  /** What calls `serveTasks`. */
  script: URL
  /** What each thread is given when it starts; plain data, as it is copied. */
  data: unknown
  /** What messages call one, such as `Image loading thread`. */
  name: string
  /** How much of a thread's time a task takes; 1 each when left out. */
  sizeOf?: ((task: Task) => number) | undefined
  /** What a task is, for the message when its thread stops, such as `a.png and 3 more to read`. */
  describe: (task: Task) => string
  /** What to do when a thread stops. */
  advice: string
}

interface Pending<Task, Result> {
  task: Task
  size: number
  worker: number
  resolve: (result: Result) => void
  reject: (error: Error) => void
}

export class WorkerPool<Task, Result> {
  readonly #options: WorkerPoolOptions<Task>
  readonly #workers: Worker[] = []
  /** The size of what each thread was given and has not given back. */
  readonly #load: number[] = []
  readonly #pending = new Map<number, Pending<Task, Result>>()
  #nextId = 0
  #broken: Error | null = null
  #ended: Promise<void> | null = null

  constructor(count: number, options: WorkerPoolOptions<Task>) {
    this.#options = options
    for (let index = 0; index < count; index++) {
      const worker = new Worker(options.script, {
        workerData: options.data,
        // The main thread's flags are not for a worker: with `--input-type` it would not even start.
        execArgv: [],
      })
      worker.on('message', (result: TaskResult<Result>) => this.#finish(result))
      worker.on('error', (error) => this.#fail(index, error.message))
      worker.on('exit', (code) => this.#fail(index, `exit code ${code}`))
      // Alive only while it has work: a program that forgets `close` can still end.
      worker.unref()
      this.#workers.push(worker)
      this.#load.push(0)
    }
  }

  /** Threads. */
  get size(): number {
    return this.#workers.length
  }

  /** Whether a thread has died or the threads were ended: nothing can be run any more. */
  get isBroken(): boolean {
    return this.#broken !== null
  }

  /**
   * Queues a task for the thread with the least to do.
   *
   * @throws what the task threw: DataError, else PluradError; PluradError where the thread died or the pool was closed
   */
  run(task: Task): Promise<Result> {
    if (this.#broken !== null) return Promise.reject(this.#broken)
    const index = this.#load.indexOf(Math.min(...this.#load))
    const worker = this.#workers[index]
    const size = this.#options.sizeOf?.(task) ?? 1
    const id = this.#nextId++
    if (this.#load[index] === 0) worker.ref()
    this.#load[index] = this.#load[index] + size
    const result = new Promise<Result>((resolve, reject) => {
      this.#pending.set(id, { task, size, worker: index, resolve, reject })
    })
    worker.postMessage({ id, task } satisfies TaskMessage<Task>)
    return result
  }

  /** Stops the threads wherever they are; what is still waited for is rejected. */
  async close(): Promise<void> {
    this.#rejectAll(this.#closed())
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  /**
   * The same for threads that must not be stopped within native code, which would end the whole process: each ends after
   * the task that it has begun.
   */
  end(): Promise<void> {
    this.#rejectAll(this.#closed())
    this.#ended ??= Promise.all(
      this.#workers.map(async (worker) => {
        const exit = new Promise((resolve) => worker.once('exit', resolve))
        if (worker.threadId < 0) return
        worker.ref()
        worker.postMessage('end' satisfies EndMessage)
        await exit
      }),
    ).then(() => undefined)
    return this.#ended
  }

  #closed(): PluradError {
    return new PluradError(`${this.#options.name}s were closed.`)
  }

  #finish(message: TaskResult<Result>): void {
    const pending = this.#pending.get(message.id)
    if (pending === undefined) return
    this.#pending.delete(message.id)
    this.#load[pending.worker] = this.#load[pending.worker] - pending.size
    if (this.#load[pending.worker] === 0) this.#workers[pending.worker]?.unref()
    if ('result' in message) pending.resolve(message.result)
    else pending.reject(new (message.isDataError ? DataError : PluradError)(message.error))
  }

  #fail(index: number, why: string): void {
    const { name, describe, advice } = this.#options
    const pending = [...this.#pending.values()].find(({ worker }) => worker === index)
    const where = pending === undefined ? '' : ` while it had ${describe(pending.task)}`
    this.#rejectAll(
      new PluradError(`${name} ${index + 1} of ${this.#workers.length} stopped (${why})${where}. ${advice}`),
    )
  }

  /** The first reason stays: what follows it is a consequence. */
  #rejectAll(error: Error): void {
    this.#broken ??= error
    for (const pending of this.#pending.values()) pending.reject(this.#broken)
    this.#pending.clear()
  }
}
