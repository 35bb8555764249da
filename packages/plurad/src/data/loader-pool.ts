import { Worker } from 'node:worker_threads'
import { PluradError } from '../errors.js'
import type { FileRequest, LoadedImage, LoaderResult, LoaderTask, ReaderSettings } from './load-image.js'

interface Pending {
  files: readonly FileRequest[]
  worker: number
  resolve: (images: LoadedImage[]) => void
  reject: (error: Error) => void
}

/** The worker threads of a loader and what each of them has to do. */
export class LoaderPool {
  readonly #workers: Worker[] = []
  /** Images given to each worker and not yet back. */
  readonly #load: number[] = []
  readonly #pending = new Map<number, Pending>()
  #nextId = 0
  #broken: Error | null = null

  constructor(count: number, settings: ReaderSettings) {
    for (let index = 0; index < count; index++) {
      const worker = new Worker(new URL('./loader-worker.js', import.meta.url), {
        workerData: settings,
        // The main thread's flags are not for a worker: with `--input-type` it would not even start.
        execArgv: [],
      })
      worker.on('message', (result: LoaderResult) => this.#finish(result))
      worker.on('error', (error) => this.#fail(index, error.message))
      worker.on('exit', (code) => this.#fail(index, `exit code ${code}`))
      // Alive only while it has work: a program that forgets `close` can still end.
      worker.unref()
      this.#workers.push(worker)
      this.#load.push(0)
    }
  }

  /**
   * Queues files for the worker with the least to do.
   *
   * @param places where the pixels go, in memory that is shared with the threads, one a file; null for memory of their own
   * @returns one entry a file, in order
   * @throws PluradError where the worker died or the pool was closed
   */
  run(
    files: readonly FileRequest[],
    stop: Int32Array,
    places: readonly Uint16Array[] | null = null,
  ): Promise<LoadedImage[]> {
    if (this.#broken !== null) return Promise.reject(this.#broken)
    const index = this.#load.indexOf(Math.min(...this.#load))
    const worker = this.#workers[index]
    const id = this.#nextId++
    if (this.#load[index] === 0) worker.ref()
    this.#load[index] = this.#load[index] + files.length
    const images = new Promise<LoadedImage[]>((resolve, reject) => {
      this.#pending.set(id, { files, worker: index, resolve, reject })
    })
    worker.postMessage({ id, files, stop, places } satisfies LoaderTask)
    return images
  }

  /** Ends the threads; what is still waited for is rejected. */
  async close(): Promise<void> {
    this.#rejectAll(new PluradError('The image loader was closed.'))
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #finish({ id, images }: LoaderResult): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    this.#load[pending.worker] = this.#load[pending.worker] - pending.files.length
    if (this.#load[pending.worker] === 0) this.#workers[pending.worker]?.unref()
    pending.resolve(images)
  }

  #fail(index: number, why: string): void {
    const task = [...this.#pending.values()].find((pending) => pending.worker === index)
    const where =
      task === undefined
        ? ''
        : ` while it had ${task.files[0]?.path} and ${task.files.length - 1} more to read`
    this.#rejectAll(
      new PluradError(
        `Image loading thread ${index + 1} of ${this.#workers.length} stopped (${why})${where}. ` +
          'Run again with fewer workers, or with 0 to decode in the main thread, to see which file does it.',
      ),
    )
  }

  /** The first reason stays: what follows it is a consequence. */
  #rejectAll(error: Error): void {
    this.#broken ??= error
    for (const pending of this.#pending.values()) pending.reject(this.#broken)
    this.#pending.clear()
  }
}
