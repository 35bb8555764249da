import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { DataError } from '../../errors.js'
import type { DecodedImage } from '../image.js'
import type { WindowChoice } from '../preprocessing.js'
import { decodeBytes, decodeChecked, formatOf, HEAD_BYTES, reason } from './decode-bytes.js'
import type { ImageFormat, ReadOptions } from './format.js'
import { imageFormats } from './registry.js'

/** Files of so many bytes are read at once, whatever their format. */
const SMALL_BYTES = 2 ** 20

/** A format that reads from the path itself, or the whole content of a file. */
type Source =
  { fromFile: NonNullable<ImageFormat['decodeFile']>; format: ImageFormat } | { bytes: Uint8Array }

/**
 * Reads an image file; the format is told by its first bytes, not by its name.
 *
 * @param reference a path; of a file that holds several images, `path#part` (see `ReadOptions.part`)
 * @throws DataError naming the file, where it is missing, damaged, cut off or of no known format
 */
export async function decodeImage(reference: string, window: WindowChoice = 'file'): Promise<DecodedImage> {
  const { path, part } = splitReference(reference)
  return decodeSource(await readSource(path), path, reference, { window, part })
}

/**
 * `decodeImage` with a blocking read: quicker for small files, for threads that have nothing else to do. The pixels may lie in
 * the memory of the whole file.
 */
export async function decodeImageBlocking(
  reference: string,
  window: WindowChoice = 'file',
): Promise<DecodedImage> {
  const { path, part } = splitReference(reference)
  return decodeSource(readSourceBlocking(path), path, reference, { window, part, own: true })
}

/** `scan.nii.gz#12` -> file and part. A file whose own name holds a `#` is itself. */
export function splitReference(reference: string): { path: string; part: string | null } {
  const at = reference.lastIndexOf('#')
  if (at < 0 || existsSync(reference)) return { path: reference, part: null }
  return { path: reference.slice(0, at), part: reference.slice(at + 1) }
}

/**
 * Decodes a file's content.
 *
 * @param name what messages call it, such as its path or the name of an upload
 * @throws DataError naming the file, where it is damaged, cut off or of no known format
 */
export async function decodeImageBytes(
  bytes: Uint8Array,
  name: string,
  options: ReadOptions = { window: 'file', part: null },
): Promise<DecodedImage> {
  return decodeBytes(bytes, name, imageFormats, options)
}

async function readSource(path: string): Promise<Source> {
  try {
    const handle = await open(path)
    try {
      // From position 0, which leaves the handle's own position where a read of the whole begins.
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
      return fromFile(buffer.subarray(0, bytesRead)) ?? { bytes: await handle.readFile() }
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}

function readSourceBlocking(path: string): Source {
  try {
    const file = openSync(path, 'r')
    try {
      const { size } = fstatSync(file)
      const beginning = readBeginning(file, size <= SMALL_BYTES ? size : HEAD_BYTES)
      const whole = size > 0 && beginning.length === size
      return fromFile(beginning.subarray(0, HEAD_BYTES)) ?? { bytes: whole ? beginning : readFileSync(file) }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** As far as there is so much; the file's own position stays. */
function readBeginning(file: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let done = 0
  for (let count = -1; done < length && count !== 0; done += count)
    count = readSync(file, bytes, done, length - done, done)
  return bytes.subarray(0, done)
}

function fromFile(head: Uint8Array): Source | null {
  const format = formatOf(head, imageFormats)
  return format?.decodeFile === undefined ? null : { fromFile: format.decodeFile.bind(format), format }
}

async function decodeSource(
  source: Source,
  path: string,
  name: string,
  options: ReadOptions,
): Promise<DecodedImage> {
  if ('bytes' in source) return decodeImageBytes(source.bytes, name, options)
  return decodeChecked(source.format, name, null, () => source.fromFile(path, options))
}

function unreadable(path: string, error: unknown): DataError {
  const code = (error as NodeJS.ErrnoException).code
  const what =
    code === 'ENOENT'
      ? 'no such file'
      : code === 'EISDIR'
        ? 'this is a folder, not an image'
        : `cannot be read: ${reason(error)}`
  return new DataError(`${path}: ${what}.`, { cause: error })
}
