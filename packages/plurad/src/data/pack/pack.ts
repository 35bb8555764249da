/** Making packs and bringing them up to date. */
import { stat, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { RunError } from '../../errors.js'
import type { Dataset, SkippedRow } from '../dataset.js'
import { loadImage, type LoadedImage } from '../load-image.js'
import { LoaderPool } from '../loader-pool.js'
import type { Preprocessing } from '../preprocessing.js'
import { filesOf, sourceOf } from '../source.js'
import { keyOf, makeHeader, pixelsFile } from './format.js'
import { NO_SLOT, type Stamp } from './journal.js'
import { stampOf } from './reader.js'
import { damagedEntries } from './verify.js'
import { PackWriter } from './writer.js'

export interface PackOptions {
  /** The folder to make, or to bring up to date. */
  out: string
  preprocessing: Preprocessing
  /** The data set's folder: files below it are known by their path from there. */
  root: string
  /** Decoding threads; 0 decodes in the calling thread; one a processor when left out. */
  workers?: number | undefined
  /** Also checks every record that is there already, and makes damaged ones anew. */
  verify?: boolean | undefined
  onProgress?: ((done: number, total: number) => void) | undefined
  /** Ends early: what is done is kept, and the same call goes on with the rest. */
  signal?: AbortSignal | undefined
}

export interface PackSummary {
  /** Image files of the data set; one that several samples have counts as often. */
  files: number
  /** Decoded now. */
  packed: number
  /** In the pack before, and unchanged since. */
  kept: number
  /** Of those decoded now: in the pack before, but changed since or damaged. */
  renewed: number
  /** Files that could not be decoded, with the reason; the pack remembers them. */
  failed: SkippedRow[]
  /** Of all pixels, bytes. */
  bytes: number
  /** False where it was ended early. */
  complete: boolean
}

/** Files a message to a worker. */
const TASK_FILES = 8

interface Wanted {
  path: string
  key: string
  stamp: Stamp
}

interface Task {
  files: readonly Wanted[]
  images: Promise<LoadedImage[]>
}

/**
 * Decodes the images of a data set into a pack, those alone that it does not have as they are now. Files that cannot
 * be decoded are remembered as such; each call tries them again.
 *
 * @throws RunError where the folder cannot be written to, or the disk has too little room
 * @throws DataError where the folder has a pack with other preprocessing
 */
export async function packDataset(
  { name, fingerprint, samples }: Pick<Dataset, 'name' | 'fingerprint' | 'samples'>,
  options: PackOptions,
): Promise<PackSummary> {
  const { out, preprocessing, root } = options
  const writer = await PackWriter.open(out, makeHeader(preprocessing, root, { name, fingerprint }))
  try {
    const packing = new Packing(writer, options)
    try {
      return await packing.run(samples)
    } finally {
      await packing.close()
    }
  } finally {
    await writer.close()
  }
}

/** One call of `packDataset`: files go to the threads in the order of the samples, and into the pack in that order. */
class Packing {
  readonly #writer: PackWriter
  readonly #options: PackOptions
  readonly #workers: number
  readonly #pool: LoaderPool | null
  readonly #stop = new Int32Array(new SharedArrayBuffer(4))
  readonly #queue: Task[] = []
  /** Keys of what is with the threads, as a file may belong to several samples. */
  readonly #underWay = new Set<string>()
  readonly #summary: PackSummary
  #gathered: Wanted[] = []
  #done = 0

  constructor(writer: PackWriter, options: PackOptions) {
    const { preprocessing, workers = availableParallelism() } = options
    this.#writer = writer
    this.#options = options
    this.#workers = workers
    this.#pool = workers > 0 ? new LoaderPool(workers, { preprocessing, pack: null }) : null
    this.#summary = { files: 0, packed: 0, kept: 0, renewed: 0, failed: [], bytes: 0, complete: true }
  }

  async run(samples: Dataset['samples']): Promise<PackSummary> {
    const { out, verify = false, signal } = this.#options
    const { index, recordBytes } = this.#writer
    const files = samples.reduce((sum, sample) => sum + filesOf(sourceOf(sample)).length, 0)
    this.#summary.files = files
    await assertRoom(out, files * recordBytes)
    const damaged = new Set(verify ? await damagedEntries(out, index) : [])
    for (const [at, path] of samples.flatMap((sample) => filesOf(sourceOf(sample))).entries()) {
      if (signal?.aborted === true) break
      this.#take(path, damaged)
      if (at % 256 === 0) await signalsAndProgress()
      // Bounded, so that memory is: what is with the threads, and what waits to be written.
      while (this.#queue.length > 2 * this.#workers) await this.#finishOne()
    }
    if (signal?.aborted === true) {
      Atomics.store(this.#stop, 0, 1)
      this.#summary.complete = false
    } else this.#send()
    while (this.#queue.length > 0) await this.#finishOne()
    await this.#writer.commit()
    return { ...this.#summary, bytes: index.slots * recordBytes }
  }

  async close(): Promise<void> {
    await this.#pool?.close()
  }

  #take(path: string, damaged: ReadonlySet<number>): void {
    const { index } = this.#writer
    const key = keyOf(this.#options.root, path)
    if (this.#underWay.has(key)) {
      this.#report(1)
      return
    }
    // What cannot even be asked cannot be decoded either: that is for the threads to find out.
    const stamp = stampOf(path) ?? { size: -1, modified: 0 }
    const entry = index.find(key)
    const known = entry >= 0 && index.slotOf(entry) !== NO_SLOT && isSame(index.stampOf(entry), stamp)
    if (known && !damaged.has(entry)) {
      this.#summary.kept++
      this.#report(1)
      return
    }
    this.#underWay.add(key)
    this.#gathered.push({ path, key, stamp })
    if (this.#gathered.length === TASK_FILES) this.#send()
  }

  #send(): void {
    const files = this.#gathered
    if (files.length === 0) return
    this.#gathered = []
    const images =
      this.#pool === null
        ? loadAll(files, this.#options.preprocessing)
        : this.#pool.run(
            files.map(({ path }) => ({ path, packed: null })),
            this.#stop,
          )
    // Looked at only when its turn comes; until then a failure must not count as unhandled.
    images.catch(() => undefined)
    this.#queue.push({ files, images })
  }

  async #finishOne(): Promise<void> {
    const task = this.#queue.shift()
    if (task === undefined) return
    const images = await task.images
    await signalsAndProgress()
    for (const [position, file] of task.files.entries()) {
      const image = images[position]
      if (image !== undefined) await this.#keep(file, image)
      this.#underWay.delete(file.key)
    }
    this.#report(images.length)
  }

  async #keep({ path, key, stamp }: Wanted, image: LoadedImage): Promise<void> {
    const { index } = this.#writer
    const before = index.find(key)
    const wasPacked = before >= 0 && index.slotOf(before) !== NO_SLOT
    if ('reason' in image) {
      this.#summary.failed.push({ image: path, reason: image.reason })
      const isNews = before < 0 || wasPacked || !isSame(index.stampOf(before), stamp)
      if (!isNews && index.textOf(before) === image.reason) return
    } else {
      this.#summary.packed++
      if (wasPacked) this.#summary.renewed++
    }
    await this.#writer.add(key, stamp, image)
  }

  #report(more: number): void {
    this.#done += more
    this.#options.onProgress?.(this.#done, this.#summary.files)
  }
}

async function loadAll(files: readonly Wanted[], preprocessing: Preprocessing): Promise<LoadedImage[]> {
  const images: LoadedImage[] = []
  for (const { path } of files) images.push(await loadImage(path, preprocessing))
  return images
}

function isSame(a: Stamp, b: Stamp): boolean {
  return a.size === b.size && a.modified === b.modified
}

/** Lets them through: a thread that decodes for itself never waits for anything. */
function signalsAndProgress(): Promise<void> {
  return new Promise(setImmediate)
}

/** Before hours of work rather than after them. */
async function assertRoom(folder: string, bytes: number): Promise<void> {
  const { size } = await stat(pixelsFile(folder))
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (size + free >= bytes) return
  throw new RunError(
    `${folder}: the pack needs ${gigabytes(bytes - size)} more, but the disk has ${gigabytes(free)} free. ` +
      'Choose another --out, a smaller size, or free some space.',
  )
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`
