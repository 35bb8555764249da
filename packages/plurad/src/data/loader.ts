import { DataError, PluradError } from '../errors.js'
import { ImageReader, type LoadedImage, type PackRefusal, type ReaderSettings } from './load-image.js'
import { KnownImages } from './known-images.js'
import { LoaderPool } from './loader-pool.js'
import { Pack, type PackSource } from './pack/open.js'
import { gridToFloat } from './preprocess.js'
import { preprocessingOf, type Preprocessing } from './preprocessing.js'
import { placesOf, type ImageSource } from './source.js'

export interface LoaderOptions extends Preprocessing {
  /** Decoding threads; 0 decodes in the calling thread. What comes out is the same. */
  workers: number
  /** Memory for preprocessed pixels that later epochs take instead of decoding again, bytes; 0 for none. */
  cacheBytes: number
  /** A damaged file is an error instead of an entry in `failed`. */
  strict: boolean
  /** Where preprocessed pixels are taken from instead of the files, as far as it has them. */
  pack?: PackSource | null | undefined
  /** Also warn of images that are not what a model expects, see `warningOf`. */
  expecting?: boolean | undefined
}

export interface Batch {
  /** Which of the sources these are, [n]: as ordered, without those that failed. n can be 0. */
  indices: Int32Array
  /** [n, images * channels, size, size] in [0, 1]; what a source lacks of its images is black. */
  pixels: Float32Array<ArrayBuffer>
  /** Those of this batch that could not be read, each time they come up. */
  failed: { index: number; reason: string }[]
}

export interface BatchOptions {
  /** The batch to begin with: a resumed run goes on in the middle of an epoch. */
  startBatch?: number | undefined
  /** Batches that workers prepare ahead of the one in use; 4 when left out. */
  prefetchBatches?: number | undefined
  /**
   * The pixels of all batches take turns in the same memory: they are good until the next batch is asked for. Spares
   * what the system takes for fresh memory, a third of all where images come from a pack.
   */
  reuse?: boolean | undefined
}

/** Files a message to a worker: few enough to share a batch among workers, enough that messages cost nothing. */
const TASK_FILES = 8

const NO_FILE = 'there is no image file for this sample'

/** What is left out where a sequence was left early. */
const NOT_AWAITED: LoadedImage = { reason: 'nobody waits for it any more' }

/** The images of one sample, by place; null where it has none. */
type LoadedSample = readonly (LoadedImage | null)[]

/** The task that has a file, and which of its images that is. */
interface UnderWay {
  images: Promise<LoadedImage[]>
  position: number
}

/** One sequence of batches: what is under way for it, and the memory that its images take turns in. */
interface Sequence {
  sources: readonly ImageSource[]
  batchSize: number
  /** Set when nobody waits for images any more. */
  stop: Int32Array
  underWay: Map<string, UnderWay>
  /** Memory for the grids of one batch each, free to be used. */
  free: Uint16Array[]
}

interface Queued {
  indices: readonly number[]
  samples: Promise<LoadedSample[]>
  grids: Uint16Array
}

/**
 * Reads images in batches, ahead of the training step. Several batches are queued with the workers before one is
 * handed out, so they keep decoding while the caller's step blocks its thread; they write into memory that is shared
 * with them and used again, batch after batch. Order, pixels and failures do not depend on the number of workers, the
 * cache, the pack or earlier batches.
 */
export class ImageLoader {
  readonly #options: LoaderOptions
  readonly #pack: Pack | null
  readonly #pool: LoaderPool | null
  /** Reads in this thread where there are no others. */
  readonly #reader: ImageReader | null
  readonly #images: KnownImages
  #closed = false

  /** @throws DataError where there is no pack in the folder given, or one that does not fit */
  constructor(options: LoaderOptions) {
    this.#options = options
    const { workers, pack, cacheBytes, expecting } = options
    this.#images = new KnownImages(cacheBytes)
    const preprocessing = preprocessingOf(options)
    this.#pack = pack ? new Pack(pack, preprocessing) : null
    const settings: ReaderSettings = { preprocessing, pack: this.#pack?.location ?? null, expecting }
    this.#pool = workers > 0 ? new LoaderPool(workers, settings) : null
    this.#reader = workers > 0 ? null : new ImageReader(settings)
  }

  /** Every file so far that could not be read, with the reason; none of them is tried again. */
  get failures(): ReadonlyMap<string, string> {
    return this.#images.failures
  }

  /** What a user should know of files that could be read, by file. */
  get warnings(): ReadonlyMap<string, string> {
    return this.#images.warnings
  }

  /** Files that were decoded although the pack has them, with the reason. */
  get refused(): ReadonlyMap<string, PackRefusal> {
    return this.#images.refused
  }

  /** Planes of one image: 1 grey, 3 red-green-blue. */
  get channels(): 1 | 3 {
    return this.#options.channels
  }

  /** Bytes of pixels held for later epochs. */
  get cachedBytes(): number {
    return this.#images.bytes
  }

  /** Whether the pack has a file, in whatever state. */
  isPacked(path: string): boolean {
    return this.#pack?.has(path) ?? false
  }

  /**
   * @param sources one file each, or several for samples of several images; indices refer to these
   * @param order indices into `sources` in the order of reading, repeats allowed; the last batch may be smaller
   * @throws DataError naming the file, for a damaged one, when strict
   * @throws PluradError where a worker dies or the loader is closed
   */
  async *batches(
    sources: readonly ImageSource[],
    order: Uint32Array | readonly number[],
    batchSize: number,
    options: BatchOptions = {},
  ): AsyncGenerator<Batch, void, void> {
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new RangeError(`batchSize ${batchSize}: expected 1 or more`)
    const { startBatch = 0, prefetchBatches = 4, reuse = false } = options
    const memory = reuse ? new Float32Array(batchSize * this.#valuesOfSample) : null
    const sequence: Sequence = {
      ...{ sources, batchSize, underWay: new Map(), free: [] },
      stop: new Int32Array(new SharedArrayBuffer(4)),
    }
    const queue: Queued[] = []
    let at = startBatch * batchSize
    const fill = () => {
      const ahead = this.#pool === null ? 1 : prefetchBatches + 1
      for (; queue.length < ahead && at < order.length; at += batchSize)
        queue.push(this.#request([...order.slice(at, at + batchSize)], sequence))
    }
    try {
      for (;;) {
        fill()
        const next = queue.shift()
        if (next === undefined) return
        const batch = this.#assemble(next.indices, await next.samples, memory)
        sequence.free.push(next.grids)
        // Before handing out, so that the workers have enough to do during the caller's step.
        if (this.#pool !== null) fill()
        yield batch
      }
    } finally {
      Atomics.store(sequence.stop, 0, 1)
    }
  }

  /** Ends the threads and frees the cache; running generators throw. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#reader?.close()
      this.#pack?.close()
    }
    this.#closed = true
    this.#images.clear()
    await this.#pool?.close()
  }

  get #valuesOfImage(): number {
    const { channels, size } = this.#options
    return channels * size * size
  }

  get #valuesOfSample(): number {
    return this.#options.images * this.#valuesOfImage
  }

  /** Gets hold of a batch's images: from the cache, from what is being read already, or newly read. */
  #request(indices: readonly number[], sequence: Sequence): Queued {
    const grids = sequence.free.pop() ?? this.#newGrids(sequence.batchSize)
    const samples = indices.map((index) => this.#placesAt(sequence.sources, index))
    const paths = [...new Set(samples.flat())].filter((path) => path !== '')
    const images = this.#load(paths, grids, sequence)
    const loaded = images.then((all) => {
      const byPath = new Map(paths.map((path, position) => [path, all[position]]))
      return samples.map((places) => places.map((path) => byPath.get(path) ?? null))
    })
    // Looked at only when its turn comes; until then a failure must not count as unhandled.
    loaded.catch(() => undefined)
    return { indices, samples: loaded, grids }
  }

  #newGrids(batchSize: number): Uint16Array {
    const values = batchSize * this.#valuesOfSample
    return new Uint16Array(
      this.#pool === null ? new ArrayBuffer(2 * values) : new SharedArrayBuffer(2 * values),
    )
  }

  #placesAt(sources: readonly ImageSource[], index: number): readonly string[] {
    const source = sources[index]
    if (source === undefined)
      throw new RangeError(`Index ${index} in the order, but there are ${sources.length} sources`)
    const places = placesOf(source)
    const { images } = this.#options
    if (places.length > images)
      throw new RangeError(`Source ${index} has ${places.length} images, expected at most ${images}`)
    return places
  }

  /** One entry a path. */
  #load(paths: readonly string[], grids: Uint16Array, { underWay, stop }: Sequence): Promise<LoadedImage[]> {
    const length = this.#valuesOfImage
    const missing: { path: string; place: Uint16Array }[] = []
    const found = paths.map((path, position) => {
      const known = this.#images.get(path)
      if (known !== null) return known
      const other = underWay.get(path)
      // Of an earlier batch, whose memory is used again as soon as that is handed out.
      if (other !== undefined) return other.images.then((images) => ownCopy(images[other.position]))
      missing.push({ path, place: grids.subarray(position * length, (position + 1) * length) })
      return null
    })
    for (let start = 0; start < missing.length; start += TASK_FILES) {
      const task = missing.slice(start, start + TASK_FILES)
      const images = this.#read(task, stop).then((results) =>
        task.map(({ path }, position) => {
          underWay.delete(path)
          const image = results[position] ?? NOT_AWAITED
          if (image !== NOT_AWAITED) this.#images.add(path, image)
          return image
        }),
      )
      task.forEach(({ path }, position) => underWay.set(path, { images, position }))
    }
    return Promise.all(
      paths.map(async (path, position) => {
        const image = found[position]
        if (image !== null) return image
        const task = underWay.get(path) as UnderWay
        return (await task.images)[task.position]
      }),
    )
  }

  async #read(
    files: readonly { path: string; place: Uint16Array }[],
    stop: Int32Array,
  ): Promise<LoadedImage[]> {
    if (this.#closed) throw new PluradError('The image loader was closed.')
    const requests = files.map(({ path }) => ({ path, packed: this.#pack?.locate(path) ?? null }))
    const places = files.map(({ place }) => place)
    if (this.#pool !== null) return this.#pool.run(requests, stop, places)
    const images: LoadedImage[] = []
    for (const [position, request] of requests.entries())
      images.push(await (this.#reader as ImageReader).load(request, places[position]))
    return images
  }

  #assemble(
    indices: readonly number[],
    samples: readonly LoadedSample[],
    memory: Float32Array<ArrayBuffer> | null,
  ): Batch {
    const { images, strict } = this.#options
    const failed: Batch['failed'] = []
    const read: number[] = []
    samples.forEach((sample, position) => {
      const reason = reasonOf(sample)
      if (reason === null) read.push(position)
      else if (strict) throw new DataError(reason)
      else failed.push({ index: indices[position], reason })
    })
    const length = this.#valuesOfImage
    const count = read.length * images * length
    const pixels = memory?.subarray(0, count) ?? new Float32Array(count)
    read.forEach((position, row) => {
      for (let place = 0; place < images; place++) {
        const image = samples[position][place] ?? null
        const at = (row * images + place) * length
        if (image !== null && 'pixels' in image) gridToFloat(image.pixels, pixels, at)
        else pixels.fill(0, at, at + length)
      }
    })
    return { indices: Int32Array.from(read, (position) => indices[position]), pixels, failed }
  }
}

function ownCopy(image: LoadedImage): LoadedImage {
  return 'reason' in image ? image : { ...image, pixels: image.pixels.slice() }
}

/** Why a sample cannot be used: what its first damaged file says; null where all that it has could be read. */
function reasonOf(sample: LoadedSample): string | null {
  for (const image of sample) if (image !== null && 'reason' in image) return image.reason
  return sample.every((image) => image === null) ? NO_FILE : null
}
