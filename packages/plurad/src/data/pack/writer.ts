import { existsSync, readdirSync, rmSync } from 'node:fs'
import { open, truncate, type FileHandle } from 'node:fs/promises'
import { RunError } from '../../errors.js'
import { makeFolder, whyNotWritten, writeFileAtomic } from '../../files.js'
import { lockFolder } from '../../lock.js'
import type { LoadedImage } from '../load-image.js'
import { version } from '../../version.js'
import {
  assertFits,
  headerFile,
  indexFile,
  pixelsFile,
  readHeader,
  valuesOf,
  type PackHeader,
} from './format.js'
import { encodeBlock, NO_SLOT, textsOfBlock, type Entry, type Stamp } from './journal.js'
import { PackIndex } from './pack-index.js'
import { checksumOf } from './reader.js'

const LOCK = 'pack.lock'

/** What a pack's folder may hold; anything else belongs to somebody. */
const OF_A_PACK = /^(pack\.json|pack\.lock|pixels\.u16|index\.bin|skipped\.csv|\..*\.tmp)$/

/** Written to the disk, with the index after it, at least this often: so much work is lost at most. */
const COMMIT_BYTES = 64 * 2 ** 20
const COMMIT_IMAGES = 4096
const COMMIT_SECONDS = 10

interface Waiting {
  entry: Entry
  pixels: Uint16Array | null
}

/** Adds images to a pack, old or new. */
export class PackWriter {
  readonly folder: string
  readonly index: PackIndex
  readonly #pixels: FileHandle
  readonly #journal: FileHandle
  readonly #unlock: () => void
  readonly #recordBytes: number
  #end: number
  #slots: number
  #waiting: Waiting[] = []
  #committed = performance.now()

  private constructor(
    folder: string,
    header: PackHeader,
    handles: { pixels: FileHandle; journal: FileHandle },
    unlock: () => void,
  ) {
    this.folder = folder
    this.index = new PackIndex(folder)
    this.#pixels = handles.pixels
    this.#journal = handles.journal
    this.#unlock = unlock
    this.#recordBytes = 2 * valuesOf(header.preprocessing)
    this.#end = this.index.end
    this.#slots = this.index.slots
  }

  /**
   * Goes on with a pack, or begins one. One by another version of plurad is begun anew.
   *
   * @throws RunError where the folder holds something else, another process writes there, or it cannot be written to
   * @throws DataError where the pack there has other preprocessing
   */
  static async open(folder: string, header: PackHeader): Promise<PackWriter> {
    makeFolder(folder)
    const foreign = readdirSync(folder).filter((name) => !OF_A_PACK.test(name))
    if (foreign.length > 0 && !existsSync(headerFile(folder))) {
      throw new RunError(
        `${folder} is not empty and holds no pack (it has ${foreign.slice(0, 3).join(', ')}). Choose another --out.`,
      )
    }
    const unlock = lockFolder(folder, LOCK)
    try {
      for (const name of readdirSync(folder))
        if (name.endsWith('.tmp')) rmSync(`${folder}/${name}`, { force: true })
      await begin(folder, header)
      const pixels = await open(pixelsFile(folder), 'r+')
      const journal = await open(indexFile(folder), 'r+')
      return new PackWriter(folder, header, { pixels, journal }, unlock)
    } catch (error) {
      unlock()
      throw error
    }
  }

  get recordBytes(): number {
    return this.#recordBytes
  }

  /**
   * Takes an image, of which a pack may have an older state. It is in the pack after the next `commit`, which comes by
   * itself when enough have gathered.
   */
  async add(key: string, stamp: Stamp, image: LoadedImage): Promise<void> {
    const pixels = 'pixels' in image ? image.pixels : null
    const text = 'pixels' in image ? (image.warning ?? '') : image.reason
    const slot = pixels === null ? NO_SLOT : this.#slotFor(key)
    const checksum = pixels === null ? 0 : checksumOf(pixels)
    this.#waiting.push({ entry: { key, ...stamp, slot, checksum, text }, pixels })
    const count = this.#waiting.length
    const seconds = (performance.now() - this.#committed) / 1000
    if (count * this.#recordBytes >= COMMIT_BYTES || count >= COMMIT_IMAGES || seconds >= COMMIT_SECONDS)
      await this.commit()
  }

  /** Puts on the disk what has gathered: first the pixels, then the index. */
  async commit(): Promise<void> {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    const entries = waiting.map(({ entry }) => entry)
    const block = encodeBlock(entries)
    try {
      for (const { first, records } of runs(waiting))
        await writeAll(this.#pixels, records, first * this.#recordBytes)
      await this.#pixels.datasync()
      await writeAll(this.#journal, [block], this.#end)
      await this.#journal.datasync()
    } catch (error) {
      throw new RunError(
        `${this.folder} could not be written: ${whyNotWritten(error)}. What was packed before is whole; run the same ` +
          'command again to go on.',
        { cause: error },
      )
    }
    this.index.add(entries, this.#end + textsOfBlock(entries.length))
    this.#end += block.length
    this.#committed = performance.now()
  }

  /** Lets the pack go; what was not committed is lost. */
  async close(): Promise<void> {
    this.index.close()
    await this.#pixels.close()
    await this.#journal.close()
    this.#unlock()
  }

  /** The record that a file had before is free: whoever still reads it sees by the file's stamp that it has changed. */
  #slotFor(key: string): number {
    const entry = this.index.find(key)
    const before = entry < 0 ? NO_SLOT : this.index.slotOf(entry)
    return before === NO_SLOT ? this.#slots++ : before
  }
}

/** Sees to it that header, pixels and a whole index are there. */
async function begin(folder: string, header: PackHeader): Promise<void> {
  const file = headerFile(folder)
  const before = existsSync(file) ? readHeader(folder) : null
  if (before !== null) {
    // Of whatever version: preprocessing that differs is a mistake of the caller.
    assertFits(folder, { ...before, plurad: version }, { ...header.preprocessing, images: 1 })
  }
  if (before?.plurad !== version) {
    // The index first: without it the pack is empty, whatever the rest says.
    for (const part of [indexFile(folder), pixelsFile(folder)]) rmSync(part, { force: true })
  }
  try {
    for (const part of [pixelsFile(folder), indexFile(folder)]) await (await open(part, 'a')).close()
    const index = new PackIndex(folder)
    index.close()
    await truncate(indexFile(folder), index.end)
  } catch (error) {
    throw new RunError(`${folder} could not be written: ${whyNotWritten(error)}.`, { cause: error })
  }
  // Last, since it says that the rest is there.
  await writeFileAtomic(file, `${JSON.stringify(header, null, 2)}\n`)
}

/** Records that lie one behind the other go to the disk in one call. */
function* runs(waiting: readonly Waiting[]): Generator<{ first: number; records: Uint16Array[] }> {
  let run: { first: number; records: Uint16Array[] } | null = null
  for (const { entry, pixels } of waiting) {
    if (pixels === null) continue
    if (run !== null && entry.slot === run.first + run.records.length && run.records.length < 512) {
      run.records.push(pixels)
      continue
    }
    if (run !== null) yield run
    run = { first: entry.slot, records: [pixels] }
  }
  if (run !== null) yield run
}

/** All of it: a single call may write less where the disk is nearly full. */
async function writeAll(
  file: FileHandle,
  parts: readonly NodeJS.ArrayBufferView[],
  position: number,
): Promise<void> {
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0)
  const { bytesWritten } = await file.writev([...parts], position)
  if (bytesWritten === total) return
  const rest = Buffer.concat(
    parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)),
  )
  for (let done = bytesWritten; done < total;) {
    const { bytesWritten: more } = await file.write(rest, done, total - done, position + done)
    done += more
  }
}
