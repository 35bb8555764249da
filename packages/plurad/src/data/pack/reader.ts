import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { splitReference } from '../formats/decode.js'
import { NO_SLOT, type Stamp } from './journal.js'

/** Where the pixels of a pack are; plain data, as it is copied to workers. */
export interface PackLocation {
  /** The file with the records. */
  file: string
  /** Values of a record: channels * size * size. */
  values: number
  /** Shared by all threads: 1 for each record whose checksum one of them has found right. */
  checked: Uint8Array<SharedArrayBuffer>
}

/** Where a pack has one file, and how that file was when it was packed. */
export interface PackedImage extends Stamp {
  /** NO_SLOT: it could not be decoded, for the reason in `text`. */
  slot: number
  checksum: number
  /** The reason, or a warning; '' for none. */
  text: string
}

/** Reads records; every thread has its own. There is no memory map in Node: the system's page cache does the same. */
export class PackReader {
  readonly #file: number
  readonly #values: number
  readonly #checked: Uint8Array<SharedArrayBuffer>

  constructor({ file, values, checked }: PackLocation) {
    this.#file = openSync(file, 'r')
    this.#values = values
    this.#checked = checked
  }

  /**
   * The pixels of a file as they were packed, or why it had none; `changed` where the file is another now, `damaged`
   * where the record is not what was written. The checksum is looked at when a record is read for the first time.
   *
   * @param place where the pixels go; memory of their own when left out
   */
  read(
    path: string,
    { slot, checksum, text, size, modified }: PackedImage,
    place?: Uint16Array,
  ): { pixels: Uint16Array; warning?: string } | { reason: string } | 'changed' | 'damaged' {
    const now = stampOf(path)
    if (now === null || now.size !== size || now.modified !== modified) return 'changed'
    if (slot === NO_SLOT) return { reason: text }
    const pixels = this.record(slot, place)
    if (pixels === null) return 'damaged'
    if (this.#checked[slot] !== 1) {
      if (checksumOf(pixels) !== checksum) return 'damaged'
      this.#checked[slot] = 1
    }
    return text === '' ? { pixels } : { pixels, warning: text }
  }

  /** A record as it is on the disk; null where it cannot be read or the file ends before it does. */
  record(slot: number, place: Uint16Array = new Uint16Array(this.#values)): Uint16Array | null {
    const bytes = 2 * this.#values
    try {
      return readSync(this.#file, place, 0, bytes, slot * bytes) === bytes ? place : null
    } catch {
      return null
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}

export function checksumOf(pixels: Uint16Array): number {
  return crc32(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength))
}

/** What a file looks like now; null where it cannot even be asked. */
export function stampOf(reference: string): Stamp | null {
  try {
    const found = statSync(splitReference(reference).path, { throwIfNoEntry: false })
    return found === undefined ? { size: -1, modified: 0 } : { size: found.size, modified: found.mtimeMs }
  } catch {
    return null
  }
}
