import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { DataError } from '../../errors.js'
import type { DecodedImage } from '../image.js'
import type { WindowChoice } from '../preprocessing.js'
import type { ReadOptions } from './format.js'
import { imageFormats } from './registry.js'

/**
 * Reads an image file; the format is told by its first bytes, not by its name.
 *
 * @param reference a path; of a file that holds several images, `path#part` (see `ReadOptions.part`)
 * @throws DataError naming the file, where it is missing, damaged, cut off or of no known format
 */
export async function decodeImage(reference: string, window: WindowChoice = 'file'): Promise<DecodedImage> {
  const { path, part } = splitReference(reference)
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw unreadable(path, error)
  }
  return decodeImageBytes(bytes, reference, { window, part })
}

/** `decodeImage` with a blocking read: quicker for small files, for threads that have nothing else to do. */
export async function decodeImageBlocking(
  reference: string,
  window: WindowChoice = 'file',
): Promise<DecodedImage> {
  const { path, part } = splitReference(reference)
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw unreadable(path, error)
  }
  return decodeImageBytes(bytes, reference, { window, part })
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
  if (bytes.length === 0)
    throw new DataError(`${name}: the file is empty (0 bytes). Copy it again from its source.`)
  const head = bytes.subarray(0, 512)
  const format = imageFormats.find((candidate) => candidate.matches(head))
  if (format === undefined) {
    const known = imageFormats.map((candidate) => candidate.name).join(', ')
    throw new DataError(
      `${name}: not an image we can read: its first bytes are ${hex(head)}. Expected one of ${known}.`,
    )
  }
  let image: DecodedImage
  try {
    image = await format.decode(bytes, options)
  } catch (error) {
    throw new DataError(
      `${name}: damaged or cut-off ${format.name} file (${bytes.length} bytes): ${reason(error)}. ` +
        'Copy it again from its source.',
      { cause: error },
    )
  }
  if (image.data.length !== image.width * image.height * image.channels || image.data.length === 0) {
    throw new DataError(
      `${name}: the decoder gave ${image.data.length} values for ${image.width} x ${image.height} x ${image.channels}.`,
    )
  }
  return image
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

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.trim().replace(/\s+/g, ' ').replace(/\.$/, '')
}

function hex(head: Uint8Array): string {
  return [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
