import { DataError, PluradError } from '../errors.js'
import { loadImage, type LoadedImage } from './load-image.js'
import { LoaderPool } from './loader-pool.js'
import { gridToFloat } from './preprocess.js'
import { preprocessingOf, type Preprocessing } from './preprocessing.js'

export interface LoaderOptions extends Preprocessing {
  /** Decoding threads; 0 decodes in the calling thread. What comes out is the same. */
  workers: number
  /** Memory for preprocessed pixels that later epochs take instead of decoding again, bytes; 0 for none. */
  cacheBytes: number
  /** A damaged file is an error instead of an entry in `failed`. */
  strict: boolean
}

export interface Batch {
  /** Which of the paths these are, [n]: as ordered, without those that failed. n can be 0. */
  indices: Int32Array
  /** [n, channels, size, size] in [0, 1]. */
  pixels: Float32Array<ArrayBuffer>
  /** Those of this batch that could not be read, each time they come up. */
  failed: { index: number; reason: string }[]
}

export interface BatchOptions {
  /** The batch to begin with: a resumed run goes on in the middle of an epoch. */
  startBatch?: number | undefined
  /** Batches that workers prepare ahead of the one in use; 4 when left out. */
  prefetchBatches?: number | undefined
}

/** Images a message to a worker: few enough to share a batch among workers, enough that messages cost nothing. */
const TASK_IMAGES = 8

/**
 * Reads images in batches, ahead of the training step. Several batches are queued with the workers before one is
 * handed out, so they keep decoding while the caller's step blocks its thread; results come back as transferred
 * memory. Order, pixels and failures do not depend on the number of workers, the cache or earlier batches.
 */
export class ImageLoader {
  readonly #options: LoaderOptions
  readonly #pool: LoaderPool | null
  /** Never evicts: epochs visit everything once, in changing order, so the first that fit are as good as any. */
  readonly #cache = new Map<string, Uint16Array<ArrayBuffer>>()
  #cachedBytes = 0
  readonly #failures = new Map<string, string>()
  #closed = false

  constructor(options: LoaderOptions) {
    this.#options = options
    const { workers } = options
    this.#pool = workers > 0 ? new LoaderPool(workers, preprocessingOf(options)) : null
  }

  /** Every file so far that could not be read, with the reason; none of them is tried again. */
  get failures(): ReadonlyMap<string, string> {
    return this.#failures
  }

  /** Bytes of pixels held for later epochs. */
  get cachedBytes(): number {
    return this.#cachedBytes
  }

  /**
   * @param paths files; indices refer to these
   * @param order indices into `paths` in the order of reading, repeats allowed; the last batch may be smaller
   * @throws DataError naming the file, for a damaged one, when strict
   * @throws PluradError where a worker dies or the loader is closed
   */
  async *batches(
    paths: readonly string[],
    order: Uint32Array | readonly number[],
    batchSize: number,
    options: BatchOptions = {},
  ): AsyncGenerator<Batch, void, void> {
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new RangeError(`batchSize ${batchSize}: expected 1 or more`)
    const { startBatch = 0, prefetchBatches = 4 } = options
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const underWay = new Map<string, Promise<LoadedImage>>()
    const queue: { indices: number[]; images: Promise<LoadedImage[]> }[] = []
    let at = startBatch * batchSize
    const fill = () => {
      const ahead = this.#pool === null ? 1 : prefetchBatches + 1
      for (; queue.length < ahead && at < order.length; at += batchSize) {
        const indices = [...order.slice(at, at + batchSize)]
        const images = this.#request(
          indices.map((index) => pathAt(paths, index)),
          underWay,
          stop,
        )
        // Looked at only when its turn comes; until then a failure must not count as unhandled.
        images.catch(() => undefined)
        queue.push({ indices, images })
      }
    }
    try {
      for (;;) {
        fill()
        const next = queue.shift()
        if (next === undefined) return
        const batch = this.#assemble(next.indices, await next.images)
        // Before handing out, so that the workers have enough to do during the caller's step.
        if (this.#pool !== null) fill()
        yield batch
      }
    } finally {
      Atomics.store(stop, 0, 1)
    }
  }

  /** Ends the threads and frees the cache; running generators throw. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cache.clear()
    this.#cachedBytes = 0
    await this.#pool?.close()
  }

  /** One entry a path, from cache, from what is being read already, or newly queued. */
  #request(
    paths: readonly string[],
    underWay: Map<string, Promise<LoadedImage>>,
    stop: Int32Array,
  ): Promise<LoadedImage[]> {
    const wanted = new Set(paths.filter((path) => this.#known(path) === null && !underWay.has(path)))
    const missing = [...wanted]
    for (let start = 0; start < missing.length; start += TASK_IMAGES) {
      const task = missing.slice(start, start + TASK_IMAGES)
      const images = this.#read(task, stop)
      task.forEach((path, position) => {
        const image = images.then((results) => {
          underWay.delete(path)
          return this.#keep(path, results[position])
        })
        underWay.set(path, image)
      })
    }
    const images = paths.map(
      async (path) => this.#known(path) ?? (underWay.get(path) as Promise<LoadedImage>),
    )
    return Promise.all(images)
  }

  async #read(paths: readonly string[], stop: Int32Array): Promise<LoadedImage[]> {
    if (this.#closed) throw new PluradError('The image loader was closed.')
    if (this.#pool !== null) return this.#pool.run(paths, stop)
    const images: LoadedImage[] = []
    for (const path of paths) images.push(await loadImage(path, this.#options))
    return images
  }

  #known(path: string): LoadedImage | null {
    const pixels = this.#cache.get(path)
    if (pixels !== undefined) return { pixels }
    const reason = this.#failures.get(path)
    return reason === undefined ? null : { reason }
  }

  #keep(path: string, image: LoadedImage | undefined): LoadedImage {
    if (image === undefined) return { reason: 'nobody waits for it any more' }
    if ('reason' in image) this.#failures.set(path, image.reason)
    else if (
      !this.#cache.has(path) &&
      this.#cachedBytes + image.pixels.byteLength <= this.#options.cacheBytes
    ) {
      this.#cache.set(path, image.pixels)
      this.#cachedBytes += image.pixels.byteLength
    }
    return image
  }

  #assemble(indices: readonly number[], images: readonly LoadedImage[]): Batch {
    const { size, channels, strict } = this.#options
    const length = channels * size * size
    const failed: Batch['failed'] = []
    const read: number[] = []
    images.forEach((image, position) => {
      const index = indices[position]
      if ('pixels' in image) read.push(position)
      else if (strict) throw new DataError(image.reason)
      else failed.push({ index, reason: image.reason })
    })
    const pixels = new Float32Array(read.length * length)
    read.forEach((position, row) => {
      gridToFloat((images[position] as { pixels: Uint16Array }).pixels, pixels, row * length)
    })
    return { indices: Int32Array.from(read, (position) => indices[position]), pixels, failed }
  }
}

function pathAt(paths: readonly string[], index: number): string {
  const path = paths[index]
  if (path === undefined)
    throw new RangeError(`Index ${index} in the order, but there are ${paths.length} paths`)
  return path
}
