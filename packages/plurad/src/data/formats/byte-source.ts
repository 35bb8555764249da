import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Bytes that are read where and when they are needed, out of files of any size or out of memory. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number
  /**
   * `length` bytes from `at` on, perhaps a view of memory that is not the caller's to change.
   *
   * @throws Error where they are not all there
   */
  read(at: number, length: number): Uint8Array
}

export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(at, length) {
      assertWithin(at, length, bytes.length)
      return bytes.subarray(at, at + length)
    },
  }
}

/** Opens a file for as long as `use` runs. */
export async function withFile<T>(path: string, use: (source: ByteSource) => T | Promise<T>): Promise<T> {
  const file = openSync(path, 'r')
  try {
    return await use(descriptorSource(file))
  } finally {
    closeSync(file)
  }
}

/** `withFile` where nothing has to be waited for. */
export function withFileSync<T>(path: string, use: (source: ByteSource) => T): T {
  const file = openSync(path, 'r')
  try {
    return use(descriptorSource(file))
  } finally {
    closeSync(file)
  }
}

/** What `from` holds in its bytes `start` to `start + size`. */
export function sectionOf(from: ByteSource, start: number, size: number): ByteSource {
  assertWithin(start, size, from.size)
  return {
    size,
    read(at, length) {
      assertWithin(at, length, size)
      return from.read(start + at, length)
    },
  }
}

function descriptorSource(file: number): ByteSource {
  const { size } = fstatSync(file)
  return {
    size,
    read(at, length) {
      assertWithin(at, length, size)
      const bytes = new Uint8Array(length)
      for (let done = 0; done < length;) {
        const count = readSync(file, bytes, done, Math.min(length - done, 2 ** 30), at + done)
        if (count === 0) throw new Error(`the file ends at byte ${at + done}, where it had ${size} before`)
        done += count
      }
      return bytes
    },
  }
}

function assertWithin(at: number, length: number, size: number): void {
  if (!(at >= 0 && length >= 0 && at + length <= size))
    throw new Error(`bytes ${at} to ${at + length} are needed, and there are ${size}`)
}
