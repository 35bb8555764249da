import { closeSync, openSync, readSync } from 'node:fs'
import { DataError } from '../../errors.js'
import { indexFile } from './format.js'
import { hashOfKey, NO_SLOT, readJournal, type Entry, type Stamp, type StoredEntry } from './journal.js'

const FIRST_CAPACITY = 1024

/**
 * What a pack holds, by file. Columns of numbers, no object and no string a file: a million files take about 70 MB, and
 * are found by a hash of their key in an open-addressed table.
 */
export class PackIndex {
  /** Entries, those that were replaced not counted. */
  count = 0
  /** Records in use or once used: the next new one goes here. */
  slots = 0
  /** Bytes of the index file that are whole. */
  readonly end: number
  readonly #file: number
  #capacity = FIRST_CAPACITY
  /** [capacity, 4] */
  #hashes = new Uint32Array(4 * FIRST_CAPACITY)
  #sizes = new Float64Array(FIRST_CAPACITY)
  #modified = new Float64Array(FIRST_CAPACITY)
  #slots = new Uint32Array(FIRST_CAPACITY)
  #checksums = new Uint32Array(FIRST_CAPACITY)
  #texts = new Float64Array(FIRST_CAPACITY)
  #keyBytes = new Uint32Array(FIRST_CAPACITY)
  #textBytes = new Uint32Array(FIRST_CAPACITY)
  /** Twice the capacity; entry + 1, 0 for none. */
  #table = new Uint32Array(2 * FIRST_CAPACITY)

  /** @throws DataError where the file cannot be read */
  constructor(folder: string) {
    const path = indexFile(folder)
    try {
      this.#file = openSync(path, 'r')
      this.end = readJournal(this.#file, (entry) => this.#put(entry))
    } catch (error) {
      throw new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error })
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  /** Which entry a file has, by its key; -1 for none. */
  find(key: string): number {
    const hash = hashOfKey(key)
    return this.#table[this.#place(hash)] - 1
  }

  stampOf(entry: number): Stamp {
    return { size: this.#sizes[entry], modified: this.#modified[entry] }
  }

  /** The record with its pixels; NO_SLOT for a file that could not be decoded. */
  slotOf(entry: number): number {
    return this.#slots[entry]
  }

  checksumOf(entry: number): number {
    return this.#checksums[entry]
  }

  keyOf(entry: number): string {
    return this.#read(this.#texts[entry], this.#keyBytes[entry])
  }

  /** Why the file could not be decoded, or the warning about it; '' for none. */
  textOf(entry: number): string {
    const length = this.#textBytes[entry]
    return length === 0 ? '' : this.#read(this.#texts[entry] + this.#keyBytes[entry], length)
  }

  /** Takes over what was just appended to the index file, where its texts begin at `textsAt`. */
  add(entries: readonly Entry[], textsAt: number): void {
    let at = textsAt
    for (const { key, text, size, modified, slot, checksum } of entries) {
      const keyBytes = Buffer.byteLength(key)
      const textBytes = Buffer.byteLength(text)
      this.#put({ hash: hashOfKey(key), size, modified, slot, checksum, at, keyBytes, textBytes })
      at += keyBytes + textBytes
    }
  }

  #put({ hash, size, modified, slot, checksum, at, keyBytes, textBytes }: StoredEntry): void {
    if (this.count === this.#capacity) this.#grow()
    const place = this.#place(hash)
    let entry = this.#table[place] - 1
    if (entry < 0) {
      entry = this.count++
      this.#table[place] = entry + 1
      for (let word = 0; word < 4; word++) this.#hashes[4 * entry + word] = hash.readUInt32LE(4 * word)
    }
    this.#sizes[entry] = size
    this.#modified[entry] = modified
    this.#slots[entry] = slot
    this.#checksums[entry] = checksum
    this.#texts[entry] = at
    this.#keyBytes[entry] = keyBytes
    this.#textBytes[entry] = textBytes
    if (slot !== NO_SLOT) this.slots = Math.max(this.slots, slot + 1)
  }

  /** Where in the table a hash stands, or would stand. */
  #place(hash: Buffer): number {
    const a = hash.readUInt32LE(0)
    const b = hash.readUInt32LE(4)
    const c = hash.readUInt32LE(8)
    const d = hash.readUInt32LE(12)
    const mask = this.#table.length - 1
    const hashes = this.#hashes
    for (let place = a & mask; ; place = (place + 1) & mask) {
      const at = 4 * (this.#table[place] - 1)
      if (at < 0) return place
      if (hashes[at] === a && hashes[at + 1] === b && hashes[at + 2] === c && hashes[at + 3] === d)
        return place
    }
  }

  #grow(): void {
    const capacity = 2 * this.#capacity
    const floats = (old: Float64Array<ArrayBuffer>) => copied(new Float64Array(capacity), old)
    const words = (old: Uint32Array<ArrayBuffer>, each = 1) => copied(new Uint32Array(each * capacity), old)
    this.#capacity = capacity
    this.#hashes = words(this.#hashes, 4)
    this.#sizes = floats(this.#sizes)
    this.#modified = floats(this.#modified)
    this.#slots = words(this.#slots)
    this.#checksums = words(this.#checksums)
    this.#texts = floats(this.#texts)
    this.#keyBytes = words(this.#keyBytes)
    this.#textBytes = words(this.#textBytes)
    this.#table = new Uint32Array(2 * capacity)
    const mask = this.#table.length - 1
    for (let entry = 0; entry < this.count; entry++) {
      let place = this.#hashes[4 * entry] & mask
      while (this.#table[place] !== 0) place = (place + 1) & mask
      this.#table[place] = entry + 1
    }
  }

  #read(at: number, length: number): string {
    const bytes = Buffer.alloc(length)
    readSync(this.#file, bytes, 0, length, at)
    return bytes.toString()
  }
}

function copied<T extends Float64Array | Uint32Array>(into: T, old: T): T {
  into.set(old)
  return into
}
