/** Bytes that are read where they are needed: a weights file may be larger than the memory, or than one array. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

export interface ByteSource {
  /** In all. */
  readonly size: number
  /** Exactly `length` bytes from `offset` on; both are within `size`. */
  read(offset: number, length: number): Uint8Array
  close(): void
}

/** Systems read less than 2 GiB in one call. */
const MAX_READ = 2 ** 30

/** A file that stays open until `close`. Throws the system's error where there is none. */
export function fileSource(file: string): ByteSource {
  const descriptor = openSync(file, 'r')
  const { size } = fstatSync(descriptor)
  return {
    size,
    read(offset, length) {
      const bytes = new Uint8Array(length)
      for (let filled = 0; filled < length;) {
        const count = readSync(
          descriptor,
          bytes,
          filled,
          Math.min(length - filled, MAX_READ),
          offset + filled,
        )
        if (count === 0)
          throw new Error(`${file} became shorter while it was read: ${offset + filled} of ${size} bytes`)
        filled += count
      }
      return bytes
    },
    close: () => closeSync(descriptor),
  }
}

export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    close: () => undefined,
  }
}

/** Reads forward within a part of a source, a piece at a time. Throws `RangeError` at the end. */
export class ByteReader {
  readonly #source: ByteSource
  readonly #end: number
  #buffer = new Uint8Array(0)
  /** Where the buffer begins in the source, and where the next byte stands in the buffer. */
  #start: number
  #next = 0

  constructor(source: ByteSource, start: number, end: number) {
    this.#source = source
    this.#start = start
    this.#end = end
  }

  /** Of the next byte, in the source. */
  get position(): number {
    return this.#start + this.#next
  }

  take(count: number): Uint8Array {
    if (this.#next + count > this.#buffer.length) this.#fill(count)
    this.#next += count
    return this.#buffer.subarray(this.#next - count, this.#next)
  }

  byte(): number {
    return this.take(1)[0]
  }

  view(count: number): DataView {
    const bytes = this.take(count)
    return new DataView(bytes.buffer, bytes.byteOffset, count)
  }

  /** Up to a line feed, which is left out; at most `longest` bytes. */
  line(longest: number): string {
    const bytes: number[] = []
    for (let byte = this.byte(); byte !== 10; byte = this.byte()) {
      if (bytes.push(byte) > longest) throw new RangeError(`a line of more than ${longest} bytes`)
    }
    return Buffer.from(bytes).toString('utf8')
  }

  #fill(count: number): void {
    const { position } = this
    const left = this.#end - position
    if (count > left) throw new RangeError('it ends too early')
    this.#buffer = new Uint8Array(this.#source.read(position, Math.min(left, Math.max(count, PIECE))))
    this.#start = position
    this.#next = 0
  }
}

const PIECE = 2 ** 16
