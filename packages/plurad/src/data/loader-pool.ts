import { WorkerPool } from '../worker-pool.js'
import type { FileRequest, LoadedImage, LoaderTask, ReaderSettings } from './load-image.js'

/** The worker threads of a loader. */
export class LoaderPool {
  readonly #pool: WorkerPool<LoaderTask, LoadedImage[]>

  constructor(count: number, settings: ReaderSettings) {
    this.#pool = new WorkerPool(count, {
      script: new URL('./loader-worker.js', import.meta.url),
      data: settings,
      name: 'Image loading thread',
      sizeOf: ({ files }) => files.length,
      describe: ({ files }) => `${files[0]?.path} and ${files.length - 1} more to read`,
      advice:
        'Run again with fewer workers, or with 0 to decode in the main thread, to see which file does it.',
    })
  }

  /**
   * Queues files for the worker with the least to do.
   *
   * @param places where the pixels go, in memory that is shared with the threads, one a file; null for memory of their own
   * @returns one entry a file, in order; fewer where it was stopped
   * @throws PluradError where the worker died or the pool was closed
   */
  run(
    files: readonly FileRequest[],
    stop: Int32Array,
    places: readonly Uint16Array[] | null = null,
  ): Promise<LoadedImage[]> {
    return this.#pool.run({ files, stop, places })
  }

  /** Ends the threads; what is still waited for is rejected. */
  close(): Promise<void> {
    return this.#pool.close()
  }
}
